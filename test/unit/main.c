/*-------------------------------------------------------------------------
 *
 * main.c
 *	  Run all unit tests.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "unit.h"

int
main(void)
{
	test_examples();
	test_property();
	test_scale();
	test_compare();
	test_pace();
	test_pacer();
	test_shadow_cost();
	test_diff();
	test_group();
	test_catalogs();
	printf("1..%d\n", unit_passed + unit_failed);
	printf("%d passed, %d failed\n", unit_passed, unit_failed);
	return unit_failed > 0 ? 1 : 0;
}
