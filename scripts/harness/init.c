// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's first program, against the kernel's own tools/include/nolibc: one static file for
 * each architecture, from nothing but the kernel's source. GUEST on the kernel's command line says
 * what the guest is for (the kernel hands words that it doesn't know to init as environment):
 *
 *   load   load the modules that /order lists, unload them in the reverse order, say what memory
 *          was not given back, and see whether the kernel's detectors were at work
 *   shell  a shell on the console, or the script /commands if there is one; that takes busybox
 *   probe  nothing: whether a guest gets here is all that is asked
 *
 * A line of /order is a module's name as its file has it, which is /NAME.ko. Parameters are given
 * as for built-in code, `module.parameter=value` on the kernel's command line. What that has for
 * KUnit is given to the modules that /suites lists, which run their suites by themselves, as this
 * kernel has no KUnit. If there is a /guest.sh, busybox runs it with the word `before` when nothing
 * is loaded, and with `after` when all is; each line that it prints becomes a note.
 *
 * The harness reads the lines that begin with `guest: ` (verdict.py). They go through the kernel's
 * log, because the console may still be at work on that when a module has been loaded, and a line
 * that is written to the console itself would tear it.
 */

#include <linux/reboot.h>

#define NUMBER 24
#define LINE 512
#define MODULES_MAX 256
/* The longest command line that a kernel takes is 4096 bytes or less, but for s390x. */
#define COMMAND_LINE_MAX 8192

#define DELETE_NONBLOCK 0x800 /* O_NONBLOCK of delete_module(2), also where open(2) has another */

static char command_line[COMMAND_LINE_MAX];
static char order[MODULES_MAX * 64];
static char suites[MODULES_MAX * 64];

/* The parameters of KUnit that modules without it have as well, by the same names. */
static const char *const KUNIT[] = { "kunit.action=", "kunit.enable=", "kunit.filter_glob=", NULL };

/* Adds a string to a line, as much of it as there is room for. */
static void add(char *line, const char *text)
{
	size_t used = strlen(line);

	while (*text && used < LINE - 2)
		line[used++] = *text++;
	line[used] = '\0';
}

static void add_number(char *line, long number)
{
	char text[NUMBER];

	ltoa_r(number, text);
	add(line, text);
}

/*
 * Says a line to the harness, which is told apart by what is before it. The kernel drops all but
 * ten lines in five seconds from one who keeps the file open.
 */
static void emit(const char *before, const char *text)
{
	int kmsg = open("/dev/kmsg", O_WRONLY);
	char line[LINE] = "<4>";
	size_t len;

	add(line, before);
	add(line, text);
	len = strlen(line);
	line[len++] = '\n';
	write(kmsg, line, len);
	close(kmsg);
}

static void say(const char *text)
{
	emit("guest: ", text);
}

static void remark(const char *text)
{
	emit("guest: note: ", text);
}

/*
 * Ends the guest. QEMU was started with -no-reboot: a reboot is the end, also without ACPI. UML
 * would start anew, and END says so.
 */
static void end(void)
{
	const char *how = getenv("END");

	reboot(how && !strcmp(how, "poweroff") ? LINUX_REBOOT_CMD_POWER_OFF :
						 LINUX_REBOOT_CMD_RESTART);
	for (;;)
		sleep(1);
}

/* Says that a module could not be loaded or unloaded, and ends the guest. */
static void fail(const char *what, const char *name)
{
	char line[LINE] = "";
	int number = errno;

	add(line, what);
	add(line, " ");
	add(line, name);
	add(line, " failed: errno ");
	add_number(line, number);
	say(line);
	end();
}

/* Reads a file into `text`, of `size` bytes; an empty string if it can't be read. */
static int read_file(const char *name, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got;
	int fd = open(name, O_RDONLY);

	text[0] = '\0';
	if (fd < 0)
		return -1;
	while (used < size - 1 && (got = read(fd, text + used, size - 1 - used)) > 0)
		used += got;
	text[used] = '\0';
	close(fd);
	return 0;
}

static int is_there(const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);
	int bad;

	if (fd < 0)
		return -1;
	bad = write(fd, text, strlen(text)) < 0;
	close(fd);
	return bad ? -1 : 0;
}

/*
 * Splits off the first part of a string, up to one of the separators; NULL if there is none left.
 * With `quotes`, a separator in double quotes is none.
 */
static char *split(char **rest, const char *separators, int quotes)
{
	char *start = *rest;
	int quoted = 0;

	while (*start && strchr(separators, *start))
		start++;
	if (!*start)
		return NULL;
	for (*rest = start; **rest; ++*rest) {
		if (quotes && **rest == '"')
			quoted = !quoted;
		if (!quoted && strchr(separators, **rest)) {
			*(*rest)++ = '\0';
			break;
		}
	}
	return start;
}

static int begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Finds a string in another; NULL if it isn't there. */
static char *find(char *text, const char *what)
{
	for (; *text; text++)
		if (begins(text, what))
			return text;
	return NULL;
}

/* If a word is `name.parameter`, in which a dash is an underscore, returns the parameter. */
static const char *parameter_of(const char *word, const char *name)
{
	for (; *name; name++, word++) {
		char have = *word == '-' ? '_' : *word;
		char want = *name == '-' ? '_' : *name;

		if (have != want)
			return NULL;
	}
	return *word == '.' ? word + 1 : NULL;
}

/* Whether a module runs its suites by itself. */
static int is_without_kunit(const char *name)
{
	static char names[sizeof(suites)];
	char *rest = names, *one;

	strlcpy(names, suites, sizeof(names));
	while ((one = split(&rest, "\n", 0)))
		if (!strcmp(one, name))
			return 1;
	return 0;
}

static int is_for_kunit(const char *word)
{
	for (const char *const *parameter = KUNIT; *parameter; parameter++)
		if (begins(word, *parameter))
			return 1;
	return 0;
}

/* What the kernel's command line has for a module, as the module loader takes it. */
static void parameters_of(const char *name, char *parameters, size_t size)
{
	static char words[COMMAND_LINE_MAX];
	char *rest = words, *word;
	int without_kunit = is_without_kunit(name);

	parameters[0] = '\0';
	strlcpy(words, command_line, sizeof(words));
	while ((word = split(&rest, "\n ", 1))) {
		const char *parameter = parameter_of(word, name);

		if (without_kunit && is_for_kunit(word))
			parameter = word;
		if (parameter && strlen(parameters) + strlen(parameter) + 2 < size) {
			strlcat(parameters, parameter, size);
			strlcat(parameters, " ", size);
		}
	}
}

static void load(const char *name)
{
	static char parameters[COMMAND_LINE_MAX];
	char file[LINE] = "/";
	int fd;

	add(file, name);
	add(file, ".ko");
	parameters_of(name, parameters, sizeof(parameters));
	fd = open(file, O_RDONLY);
	if (fd < 0 || syscall(__NR_finit_module, fd, parameters, 0) < 0)
		fail("insmod", name);
	close(fd);
}

static void unload(const char *name)
{
	char loaded[LINE] = "";
	char *dash;

	add(loaded, name);
	while ((dash = strchr(loaded, '-')))
		*dash = '_';
	if (syscall(__NR_delete_module, loaded, DELETE_NONBLOCK) < 0)
		fail("rmmod", name);
}

/*
 * How many blocks of the slab's buckets are in use, if the kernel says. What is kept back for the
 * next user, or by KASAN, is given back first.
 */
static long blocks(void)
{
	static char entries[4096];
	int folder = open("/sys/kernel/slab", O_RDONLY | O_DIRECTORY);
	long sum = 0;
	int got, at;

	if (folder < 0)
		return 0;
	while ((got = getdents64(folder, (struct linux_dirent64 *)entries, sizeof(entries))) > 0) {
		for (at = 0; at < got;) {
			struct linux_dirent64 *entry = (void *)(entries + at);
			char name[LINE] = "/sys/kernel/slab/";
			char text[LINE];
			size_t len;

			at += entry->d_reclen;
			if (!begins(entry->d_name, "kmalloc-"))
				continue;
			add(name, entry->d_name);
			len = strlen(name);
			add(name, "/shrink");
			write_file(name, "1");
			name[len] = '\0';
			add(name, "/objects");
			if (!read_file(name, text, sizeof(text)))
				sum += atol(text);
		}
	}
	close(folder);
	return sum;
}

/* Prints what tells of a leak, without its addresses; the first few lines do. */
static void print_leak(char *record)
{
	static int shown;
	char *text, *word;

	while (shown < 60 && (text = split(&record, "\n", 0))) {
		char line[LINE] = "";

		if (!begins(text, "unreferenced") && !begins(text, "  comm") && !find(text, "+0x"))
			continue;
		while ((word = split(&text, " \t", 0))) {
			if (begins(word, "0x") || begins(word, "[<"))
				continue;
			add(line, word);
			add(line, " ");
		}
		emit("kmemleak: ", line);
		shown++;
	}
}

/* Says that kmemleak found so many blocks. */
static void say_found(const char *whose, long count)
{
	char line[LINE] = "kmemleak found ";

	add_number(line, count);
	add(line, " blocks");
	emit(whose, line);
}

/*
 * Has kmemleak look for memory that nobody knows of. What is younger than five seconds it leaves
 * alone, and what it finds first may have been on its way from one place to another. Blocks that
 * were left on purpose (detectors/) it shows by what they have at their beginning.
 */
static void look_for_leaks(void)
{
	static const char kmemleak[] = "/sys/kernel/debug/kmemleak";
	static char found[65536];
	char *record = NULL, *next = found;
	long count = 0, on_purpose = 0;

	if (read_file(kmemleak, found, sizeof(found)))
		return;
	sleep(6);
	if (write_file(kmemleak, "scan") || write_file(kmemleak, "scan")) {
		remark("kmemleak is off, and looked for nothing");
		return;
	}
	read_file(kmemleak, found, sizeof(found));
	while (next) {
		record = next;
		next = find(record + 1, "\nunreferenced");
		if (next)
			*next++ = '\0';
		if (!begins(record, "unreferenced"))
			continue;
		if (find(record, "left on purpose."))
			on_purpose++;
		else if (++count)
			print_leak(record);
	}
	say_found("guest: note: ", count);
	say_found("kernel_detectors: ", on_purpose);
}

/* Has each of the kernel's detectors find something, when there is nothing else to be found. */
static void provoke_detectors(void)
{
	write_file("/sys/module/kernel_detectors/parameters/provoke", "1");
}

/* Runs busybox with these words, and returns its status; what it prints goes to `to`, or on. */
static int run_busybox(char *const words[], int to)
{
	static char end_by[LINE] = "END=";
	char *const variables[] = { "PATH=/bin", "HOME=/", "TERM=linux", "ENV=/functions",
			      "PS1=guest# ", end_by, NULL };
	const char *how = getenv("END");
	int status = 0;
	int child;

	if (!end_by[4])
		add(end_by, how ? how : "reboot");
	child = fork();
	if (!child) {
		if (to >= 0) {
			dup2(to, 1);
			dup2(to, 2);
		}
		execve("/bin/busybox", words, variables);
		exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs the module's own script, if it has one, and notes what it prints. */
static void run_script(char *when)
{
	static char said[16384];
	char *const words[] = { "busybox", "sh", "/guest.sh", when, NULL };
	char *rest = said, *text;
	int status, to;

	if (!is_there("/guest.sh"))
		return;
	to = open("/said", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	status = run_busybox(words, to);
	close(to);
	read_file("/said", said, sizeof(said));
	while ((text = split(&rest, "\n", 0)))
		remark(text);
	if (status) {
		char line[LINE] = "the module's script ended with status ";

		add_number(line, status);
		add(line, ", run with the word ");
		add(line, when);
		say(line);
		end();
	}
}

static void load_and_unload(void)
{
	char line[LINE] = "slab: ";
	char *names[MODULES_MAX];
	char *rest = order;
	long before;
	int count = 0;

	read_file("/order", order, sizeof(order));
	read_file("/suites", suites, sizeof(suites));
	while (count < MODULES_MAX && (names[count] = split(&rest, "\n", 0)))
		count++;
	if (count == MODULES_MAX) {
		say("there are more modules than can be loaded");
		end();
	}
	before = blocks();
	run_script("before");
	for (int n = 0; n < count; n++)
		load(names[n]);
	run_script("after");
	for (int n = count; n--;)
		unload(names[n]);
	if (before) {
		add_number(line, before);
		add(line, " blocks before, ");
		add_number(line, blocks());
		add(line, " after");
	} else {
		add(line, "not looked at, as this kernel doesn't tell what is in use");
	}
	remark(line);
	if (is_there("/kernel_detectors.ko"))
		load("kernel_detectors");
	look_for_leaks();
	provoke_detectors();
}

/* Here busybox's own poweroff would tell init to end the machine, and wait for that. */
static const char INTERACTIVE[] =
	"poweroff() { busybox $END -f; }\n"
	"halt() { poweroff; }\n"
	"reboot() { poweroff; }\n"
	"echo \"In /: $(cd /; echo *.ko). Try: insmod /NAME.ko parameter=value; rmmod NAME\"\n"
	"echo 'poweroff (or Ctrl-D) ends the guest, and so does Ctrl-A X if it hangs.'\n";
static const char COMMANDS[] =
	"poweroff() { exit \"${1:-0}\"; }\n"
	"halt() { poweroff; }\n"
	"reboot() { poweroff; }\n"
	". /commands\n";

static void shell(void)
{
	char *const install[] = { "busybox", "--install", "-s", "/bin", NULL };
	char *const interactive[] = { "busybox", "setsid", "cttyhack", "sh", NULL };
	char *const commands[] = { "busybox", "sh", "/functions", NULL };
	char line[LINE] = "status ";
	int given = is_there("/commands");
	int fd = open("/functions", O_WRONLY | O_CREAT, 0600);
	const char *text = given ? COMMANDS : INTERACTIVE;

	write(fd, text, strlen(text));
	close(fd);
	run_busybox(install, -1);
	if (!given) {
		run_busybox(interactive, -1);
		end();
	}
	add_number(line, run_busybox(commands, -1));
	say(line);
}

int main(void)
{
	const char *mode = getenv("GUEST");

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	read_file("/proc/cmdline", command_line, sizeof(command_line));

	say("started");
	/*
	 * Until here the console had warnings only: kunit.py takes the first plan that it sees for
	 * the whole run, and the kernel prints one for built-in suites even if there are none.
	 */
	write_file("/proc/sys/kernel/printk", "8");

	if (mode && !strcmp(mode, "load"))
		load_and_unload();
	else if (mode && !strcmp(mode, "shell"))
		shell();
	else if (!mode || strcmp(mode, "probe"))
		say("GUEST on the kernel's command line is none of load, shell and probe");
	say("finished");
	end();
	return 0;
}
