/* isac: the command line of members, SOCs and admins. The commands are rows in commands.c. */
#include <locale.h>
#include "cli.h"

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, ""); /* widths on terminals; numbers stay as they are */
	return cli_commands_main(argc, argv);
}
