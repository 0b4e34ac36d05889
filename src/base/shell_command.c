/*-------------------------------------------------------------------------
 *
 * shell_command.c
 *	  Run a command of the operating system, with a limit of time.
 *
 * The command leads a process group of its own, so that what it has started
 * ends with it.  Between fork and exec the child does only what is safe there:
 * all memory is had before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "storage/ipc.h"

#include "base/clock.h"
#include "base/shell_command.h"
#include "compat/signal.h"

/* Between two looks at the command, and from asking it to end to the kill. */
#define PGM_SHELL_POLL_MS 20
#define PGM_SHELL_GRACE_MS 500

/* More descriptors than that no server process has inherited or opened. */
#define PGM_SHELL_MAX_FD 4096

typedef struct Child
{
	pid_t		pid;			/* 0: none, or its status was taken */
	int			input;			/* our end of its standard input, or -1 */
	const char *rest;			/* what is still to be written to it */
	size_t		left;
} Child;

extern char **environ;

static char **
join_environment(char *const *variables)
{
	int			n = 0;
	int			m = 0;
	char	  **joined;

	while (environ[n] != NULL)
		n++;
	while (variables[m] != NULL)
		m++;
	joined = palloc(sizeof(char *) * (n + m + 1));
	memcpy(joined, environ, sizeof(char *) * n);
	memcpy(joined + n, variables, sizeof(char *) * (m + 1));
	return joined;
}

static void
become_command(const char *command, char **environment, int input)
{
	(void) setsid();
	pqsignal(SIGINT, PGM_SIG_DFL);
	pqsignal(SIGTERM, PGM_SIG_DFL);
	pqsignal(SIGHUP, PGM_SIG_DFL);
	pqsignal(SIGPIPE, PGM_SIG_DFL);
	pqsignal(SIGUSR1, PGM_SIG_DFL);
	pqsignal(SIGALRM, PGM_SIG_DFL);
	sigprocmask(SIG_SETMASK, &UnBlockSig, NULL);

	/* what it prints is for the log, as of archive_command */
	if (dup2(input, STDIN_FILENO) < 0 ||
		dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	for (int fd = STDERR_FILENO + 1; fd < PGM_SHELL_MAX_FD; fd++)
		(void) close(fd);
	execle("/bin/sh", "sh", "-c", command, (char *) NULL, environment);
	_exit(127);
}

static void
start(Child *child, const char *command, char **environment)
{
	int			ends[2];
	pid_t		pid;

	if (pipe(ends) < 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not create a pipe: %m"));
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_command(command, environment, ends[0]);
	close(ends[0]);
	child->input = ends[1];
	if (pid < 0)
	{
		close(ends[1]);
		ereport(ERROR,
				errcode(ERRCODE_SYSTEM_ERROR),
				errmsg("could not fork a process for a command: %m"));
	}
	child->pid = pid;
	(void) fcntl(child->input, F_SETFL, O_NONBLOCK);
}

static void
close_input(Child *child)
{
	if (child->input >= 0)
		close(child->input);
	child->input = -1;
}

/* What it does not read, or not in time, it does not want. */
static void
feed(Child *child)
{
	ssize_t		written;

	while (child->input >= 0 && child->left > 0)
	{
		written = write(child->input, child->rest, child->left);
		if (written < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (written < 0)
			break;
		child->rest += written;
		child->left -= written;
	}
	close_input(child);
}

static bool
has_ended(Child *child, int *status)
{
	if (waitpid(child->pid, status, WNOHANG) == 0)
		return false;
	child->pid = 0;
	return true;
}

/* At the exit of the process too: nothing here may raise an error. */
static void
end(int code, Datum arg)
{
	Child	   *child = (Child *) DatumGetPointer(arg);
	int			status;
	pid_t		group = child->pid;

	close_input(child);
	if (group == 0)
		return;
	(void) kill(-group, SIGTERM);
	for (int waited = 0; waited < PGM_SHELL_GRACE_MS &&
		 !has_ended(child, &status); waited += PGM_SHELL_POLL_MS)
		pgm_clock_nap(PGM_SHELL_POLL_MS);
	(void) kill(-group, SIGKILL);
	if (child->pid != 0)
		(void) waitpid(child->pid, &status, 0);
	child->pid = 0;
}

static char *
describe(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0 ? NULL :
			psprintf("the command ended with exit code %d",
					 WEXITSTATUS(status));
	return psprintf("the command was terminated by signal %d",
					WTERMSIG(status));
}

char *
pgm_shell_run(const char *command, char *const *variables, const char *input,
			  int timeout_ms)
{
	Child		child = {0, -1, input, strlen(input)};
	char	  **environment = join_environment(variables);
	int64		begun = pgm_clock_monotonic();
	volatile int status = 0;
	volatile bool ended = false;

	PG_ENSURE_ERROR_CLEANUP(end, PointerGetDatum(&child));
	{
		int			now;

		start(&child, command, environment);
		while (!ended &&
			   (pgm_clock_monotonic() - begun) / 1000 < timeout_ms)
		{
			feed(&child);
			if (has_ended(&child, &now))
			{
				status = now;
				ended = true;
				break;
			}
			pgm_clock_wait(PGM_SHELL_POLL_MS);
			CHECK_FOR_INTERRUPTS();
		}
	}
	PG_END_ENSURE_ERROR_CLEANUP(end, PointerGetDatum(&child));
	end(0, PointerGetDatum(&child));
	if (!ended)
		return psprintf("the command did not end within %d ms", timeout_ms);
	return describe(status);
}
