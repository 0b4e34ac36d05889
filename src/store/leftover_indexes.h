/*-------------------------------------------------------------------------
 *
 * leftover_indexes.h
 *	  What tries that stopped in the middle left behind, and the end of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_LEFTOVER_INDEXES_H
#define PGM_STORE_LEFTOVER_INDEXES_H

/*
 * The INVALID indexes that a statement left, given the note that was written
 * when it began; quoted and qualified.
 */
extern char **pgm_leftover_indexes(const char *note, int *n);

/* Tell of those that the revisions of a run will not see to. */
extern void pgm_leftover_notice(int n, char **revisions);

/* A revision that stopped in the middle, some of its statements committed. */
typedef struct PgmPartly
{
	char	   *revision;
	int64		run;
	char	   *direction;		/* as in pgmigrate.run_step */
	int			done;
	int			statements;
} PgmPartly;

/* All of them, in the order in which they stopped. */
extern PgmPartly *pgm_leftover_partly(int *n);

/*
 * Forget what is done of revisions that are partly applied, or of one; NULL is
 * all.  Says so, but for those that are recorded as applied by now.
 */
extern void pgm_leftover_forget(const char *revision);

#endif							/* PGM_STORE_LEFTOVER_INDEXES_H */
