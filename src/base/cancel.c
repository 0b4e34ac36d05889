/*-------------------------------------------------------------------------
 *
 * cancel.c
 *	  Was a statement cancelled, or does code only say so?
 *
 * A cancel ends what we are at, while other errors of code that we look at are
 * an answer, and so is that it took longer than we let it.  Any function can
 * raise an error with the SQLSTATE of a cancel, but none can have it come from
 * where the server, or we, notice one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/cancel.h"

volatile sig_atomic_t pgm_cancelled_by_us = false;

/* Functions that raise it, with all whose name begins so. */
static const char *const places[] = {
	"ProcessInterrupts", "ProcessRecoveryConflict", "pgm_"
};

bool
pgm_error_is_cancel(const ErrorData *edata)
{
	if (edata->sqlerrcode != ERRCODE_QUERY_CANCELED ||
		edata->funcname == NULL || pgm_cancelled_by_us)
		return false;
	for (int i = 0; i < lengthof(places); i++)
		if (strncmp(edata->funcname, places[i], strlen(places[i])) == 0)
			return true;
	return false;
}

/* SQLSTATE and place are those of every cancel, only the text is its own. */
bool
pgm_error_is_timeout(const ErrorData *edata)
{
	return pgm_error_is_cancel(edata) && edata->message_id != NULL &&
		strcmp(edata->message_id,
			   "canceling statement due to statement timeout") == 0;
}

bool
pgm_caught_cancel(void)
{
	ErrorData  *edata;
	bool		result;

	if (geterrcode() != ERRCODE_QUERY_CANCELED)
		return false;
	edata = CopyErrorData();
	result = pgm_error_is_cancel(edata);
	FreeErrorData(edata);
	return result;
}
