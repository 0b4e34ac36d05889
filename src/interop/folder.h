/*-------------------------------------------------------------------------
 *
 * folder.h
 *	  Migration files of a folder on the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_INTEROP_FOLDER_H
#define PGM_INTEROP_FOLDER_H

typedef struct PgmFolderFile
{
	char	   *name;			/* relative to the folder, with slashes */
	char	   *data;			/* NULL: not wanted */
	size_t		len;
} PgmFolderFile;

/*
 * All files below path, in the caller's memory context; wanted tells whose
 * contents are read.  Raises an error for anything that cannot be read.
 */
extern PgmFolderFile *pgm_folder_read(const char *path,
									  bool (*wanted) (const char *name),
									  int *nfiles);

#endif							/* PGM_INTEROP_FOLDER_H */
