// SPDX-License-Identifier: GPL-2.0
/*
 * Two suites that pass, unless a parameter says otherwise. For the harness's own tests.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <kunit/test.h>
#include <linux/module.h>

static unsigned long seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "A number that a case logs");

static bool refuse;
module_param(refuse, bool, 0444);
MODULE_PARM_DESC(refuse, "Do not load");

static bool fail;
module_param(fail, bool, 0444);
MODULE_PARM_DESC(fail, "Have a case fail");

static bool skip;
module_param(skip, bool, 0444);
MODULE_PARM_DESC(skip, "Have a case skipped");

static void logs_its_seed(struct kunit *test)
{
	pr_info("seed=%lu\n", seed);
	pr_info("note: this is the first suite\n");
}

static void may_fail(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, fail);
}

static void may_be_skipped(struct kunit *test)
{
	if (skip)
		kunit_skip(test, "there is a parameter");
}

static struct kunit_case first_cases[] = {
	KUNIT_CASE(logs_its_seed),
	KUNIT_CASE(may_fail),
	{}
};

static struct kunit_case second_cases[] = {
	KUNIT_CASE(may_be_skipped),
	{}
};

static struct kunit_suite first = {
	.name = "fault_first",
	.test_cases = first_cases,
};

static struct kunit_suite second = {
	.name = "fault_second",
	.test_cases = second_cases,
};

kunit_test_suites(&first, &second);

static int __init fault_suites_init(void)
{
	return refuse ? -EINVAL : 0;
}
module_init(fault_suites_init);

static void __exit fault_suites_exit(void)
{
}
module_exit(fault_suites_exit);

MODULE_AUTHOR("The rust_alloc_demo developers");
MODULE_DESCRIPTION("Suites for the tests of rust_alloc_demo's harness");
MODULE_LICENSE("GPL");
