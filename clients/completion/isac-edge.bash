# Completion of isac-edge for bash. A test compares the words here with the program's table of commands.

_isac_edge()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} opts="--help"

	case $prev in
	--data) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--conf|--epoch-key-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--profile) COMPREPLY=($(compgen -W "H28 H20 H48 H40" -- "$cur")); return ;;
	--key|--at|--tolerance|--epoch-key) return ;;
	esac
	case ${COMP_WORDS[1]} in
	digest) opts+=" --epoch-key --epoch-key-file --json" ;;
	check|run) opts+=" --conf" ;;
	lookup) opts+=" --data --key --at --tolerance --profile --epoch-key-file --json" ;;
	esac
	if [[ $COMP_CWORD -eq 1 ]]; then
		COMPREPLY=($(compgen -W "digest check run lookup help --help" -- "$cur"))
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$opts" -- "$cur"))
	elif [[ ${COMP_WORDS[1]} == digest ]]; then
		COMPREPLY=($(compgen -f -- "$cur"))
	elif [[ ${COMP_WORDS[1]} == help ]]; then
		COMPREPLY=($(compgen -W "digest check run lookup" -- "$cur"))
	fi
}
complete -o filenames -F _isac_edge isac-edge
