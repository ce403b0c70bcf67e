/* The machine as the kernel tells about it; see machine.h. */
#include "os/machine.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

static void look_at_kernel(struct machine *machine)
{
    struct utsname name;

    if (uname(&name) < 0)
        return;
    snprintf(machine->kernel, sizeof machine->kernel, "%.20s %.64s %.20s", name.sysname,
             name.release, name.machine);
}

static void look_at_memory(struct machine *machine)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    uint64_t kib;

    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "MemTotal: %" SCNu64, &kib) == 1)
            machine->memory_bytes = kib << 10;
        else if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            machine->available_bytes = kib << 10;
    }
    if (file)
        fclose(file);
}

static unsigned count_cpus(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

void machine_look(struct machine *ret)
{
    struct rlimit limit = {0};
    struct timex clock = {0};
    int state = adjtimex(&clock);

    *ret = (struct machine){.cpus = count_cpus()};
    look_at_kernel(ret);
    look_at_memory(ret);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        ret->descriptors_max = limit.rlim_max;
    ret->clock_synchronised = state >= 0 && state != TIME_ERROR;
}
