/*-------------------------------------------------------------------------
 *
 * protocol.h
 *	  The server's interface for messages to the client.
 *
 * libpq/libpq.h comes with the types of a connection, which need headers of
 * GSSAPI and OpenSSL that the package of the server does not bring.  We look
 * into no connection, so they may be of another size here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_PROTOCOL_H
#define PGM_COMPAT_PROTOCOL_H

#undef ENABLE_GSS
#undef USE_OPENSSL
#undef USE_SSL

#include "libpq/libpq.h"
#include "storage/shm_mq.h"

#if PG_VERSION_NUM >= 150000
#define pgm_mq_send(queue, size, data) \
	shm_mq_send(queue, size, data, true, true)
#else
#define pgm_mq_send(queue, size, data) shm_mq_send(queue, size, data, true)
#endif

#endif							/* PGM_COMPAT_PROTOCOL_H */
