// SPDX-License-Identifier: GPL-2.0
/*
 * unit.c - the user-space runner of the *_test.c files
 *
 * Usage: unit [PART-OF-CASE-NAME...]
 */
#include <kunit/test.h>

int main(int argc, char **argv)
{
	return kunit_main(argc, argv);
}
