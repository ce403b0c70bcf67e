#include "os/machine.h"

#include <criterion/criterion.h>

Test(machine, has_what_every_machine_has)
{
    struct machine machine;

    machine_look(&machine);
    cr_expect_eq(strncmp(machine.kernel, "Linux ", 6), 0, "%s", machine.kernel);
    cr_expect_gt(machine.cpus, 0);
    cr_expect_gt(machine.memory_bytes, 1 << 20);
    cr_expect_leq(machine.available_bytes, machine.memory_bytes);
    cr_expect_gt(machine.descriptors_max, 0);
}
