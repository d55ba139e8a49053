/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "sim/cmd/cmd.h"

/*
 * A program may be started with standard files closed; the next file it opens
 * would then take their place.  Fill the holes the wrong way round, so that
 * whoever uses one still gets an error.
 */
static int fill_standard_files(struct err *err)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		if (open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY) != fd)
			return err_set(err, errno ? errno : EBADF,
				       "/dev/null: cannot be opened");
	}
	return 0;
}

/* What was printed has to arrive: a full disk is an error like any other. */
static int close_stdout(struct err *err)
{
	int before = ferror(stdout), code;

	errno = 0;
	if (!fclose(stdout) && !before)
		return 0;
	code = errno ? errno : EIO;
	return err_set(err, code, "standard output: %s", strerror(code));
}

int main(int argc, char **argv)
{
	struct err err = {0};
	int status = EXIT_FAILED;

	if (!fill_standard_files(&err))
		status = cmd_main(argc - (argc > 0), argv + (argc > 0), &err);
	if (close_stdout(&err) && status == EXIT_OK)
		status = EXIT_FAILED;
	if (err.text[0])
		fprintf(stderr, "dedupsim: %s\n", err.text);
	return status;
}
