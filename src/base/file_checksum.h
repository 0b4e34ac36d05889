/*-------------------------------------------------------------------------
 *
 * file_checksum.h
 *	  The checksums of files that migration tools keep.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_FILE_CHECKSUM_H
#define PGM_BASE_FILE_CHECKSUM_H

/*
 * Name and checksums of a file as a JSON object: file, md5, sha1, sha256 and
 * sha384 of its bytes, crc32 of its lines.  A server without these functions
 * leaves out what it has not.
 */
extern char *pgm_checksums_json(const char *file, const char *data,
								size_t len);

/* Flyway's: CRC-32 of the lines without their ends, as a signed number. */
extern int32 pgm_checksum_of_lines(const char *data, size_t len);

#endif							/* PGM_BASE_FILE_CHECKSUM_H */
