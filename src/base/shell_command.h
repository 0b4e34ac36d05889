/*-------------------------------------------------------------------------
 *
 * shell_command.h
 *	  Run a command of the operating system, with a limit of time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_SHELL_COMMAND_H
#define PGM_BASE_SHELL_COMMAND_H

/*
 * Run it by the shell, with the input on its standard input and the
 * environment of the server, to which variables are added ("NAME=value", NULL
 * at the end).  Its output goes to the log.  NULL if it ended with status 0,
 * else what was wrong.  Outside of a transaction; its processes are gone when
 * this returns or fails.
 */
extern char *pgm_shell_run(const char *command, char *const *variables,
						   const char *input, int timeout_ms);

#endif							/* PGM_BASE_SHELL_COMMAND_H */
