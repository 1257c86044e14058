# Completion of isac-gateway for bash. A test compares the words here with the program's help.

_isac_gateway()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}

	case $prev in
	--data) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--hub|--listen|--metrics|--workers|--refresh) return ;;
	esac
	COMPREPLY=($(compgen -W "--data --hub --listen --metrics --workers --refresh --help --version" -- "$cur"))
}
complete -o filenames -F _isac_gateway isac-gateway
