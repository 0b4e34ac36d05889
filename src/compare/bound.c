/*-------------------------------------------------------------------------
 *
 * bound.c
 *	  What a sample says of the whole.
 *
 * The bound is the share at which a sample with so few differences, or fewer,
 * has a probability of 5 %.  Without any difference that is 1 - 0.05^(1/n), or
 * about 3/n.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include <math.h>

#include "compare/bound.h"

#define CHANCE 0.05

/* enough for any counts that are held in 64 bits */
#define BISECTIONS 200
#define FRACTION_TERMS 100000

/* The continued fraction of the incomplete beta function, by Lentz. */
static double
beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double		c = 1;
	double		d = 1 - (a + b) * x / (a + 1);
	double		result;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	result = d;
	for (int m = 1; m < FRACTION_TERMS; m++)
	{
		double		even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double		odd = -(a + m) * (a + b + m) * x /
			((a + 2 * m) * (a + 2 * m + 1));
		double		step;

		d = 1 + even * d;
		c = 1 + even / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		result *= d * c;
		d = 1 + odd * d;
		c = 1 + odd / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		step = d * c;
		result *= step;
		if (fabs(step - 1) < 1e-14)
			break;
	}
	return result;
}

/* The regularized incomplete beta function. */
static double
incomplete_beta(double a, double b, double x)
{
	double		front;

	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) +
				a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double
pgm_sample_bound(int64 rows, int64 differences)
{
	double		low = 0;
	double		high = 1;

	if (rows <= 0 || differences >= rows)
		return 1;
	if (differences == 0)
		return -expm1(log(CHANCE) / (double) rows);

	/* P(at most k of n) = 1 - I_p(k + 1, n - k), which falls with p */
	for (int i = 0; i < BISECTIONS && high - low > high * 1e-12; i++)
	{
		double		p = (low + high) / 2;

		if (1 - incomplete_beta((double) differences + 1,
								(double) (rows - differences), p) > CHANCE)
			low = p;
		else
			high = p;
	}
	return high;
}
