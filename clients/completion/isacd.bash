# Completion of isacd for bash. A test compares the words here with the program's help.

_isacd()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} opts=""

	case $prev in
	--data|--to|--from|--keys) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--user) COMPREPLY=($(compgen -u -- "$cur")); return ;;
	esac
	case ${COMP_WORDS[1]} in
	init) opts="--data --db --listen --user --span" ;;
	run) opts="--data --listen --config --set" ;;
	check) opts="--data --config --set --listen" ;;
	doctor) opts="--data --config --set --listen --json" ;;
	backup) opts="--data --to --with-keys --config" ;;
	restore) opts="--from --data --keys --advance --user --json" ;;
	verify) opts="--data --member --config --json" ;;
	print-config) opts="--data --config --set --listen" ;;
	esac
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W "init run check doctor backup restore verify print-config --help --version" -- "$cur"))
	else
		COMPREPLY=($(compgen -W "$opts --help" -- "$cur"))
	fi
}
complete -o filenames -F _isacd isacd
