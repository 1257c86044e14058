/* isac-edge: the traceback agent at a member's border. The commands are rows in commands.c. */
#include "edge/priv.h"

int main(int argc, char **argv)
{
	return edge_commands_main(argc, argv);
}
