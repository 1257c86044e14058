# Completion of isac for bash. A test compares the words here with the program's table of commands.

_isac()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local common="--home --hub --timeout --json --help" words=() i opts="" next=""
	local roles="publisher subscriber analyst auditor admin gateway"
	local whole="rpz suricata zeek nft ipset hsb values"
	local whole_opts="--output --max-tlp --except --keep --url-hosts --rpz-zone --rpz-action --set-name --sid"
	local types="ipv4 ipv6 cidr domain url email md5 sha1 sha256 sha512 asn ja3 user-agent filename mutex registry-key bitcoin cve certificate-fingerprint"

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--home|--hub|--timeout) ((i++)) ;;
		-*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	case $prev in
	--home) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--hub-key|-k|--output|-o|--except|--file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--tlp|--max-tlp) COMPREPLY=($(compgen -W "clear green amber amber+strict red" -- "$cur")); return ;;
	--scope) COMPREPLY=($(compgen -W "read client" -- "$cur")); return ;;
	--role) COMPREPLY=($(compgen -W "$roles" -- "${cur##*,}")); return ;;
	--rpz-action) COMPREPLY=($(compgen -W "nxdomain nodata drop passthru" -- "$cur")); return ;;
	--by|-b) COMPREPLY=($(compgen -W "day type publisher country asn" -- "$cur")); return ;;
	--from) COMPREPLY=($(compgen -W "start now" -- "$cur")); return ;;
	--type)
		if [[ ${words[0]} == admin ]]; then types="isp vendor soc csirt academic"; fi
		COMPREPLY=($(compgen -W "$types" -- "$cur")); return ;;
	--format)
		case ${words[0]} in
		publish) COMPREPLY=($(compgen -W "auto jsonl csv plain stix misp" -- "$cur")) ;;
		life|lookup|related|report|stats) COMPREPLY=($(compgen -W "jsonl csv table" -- "$cur")) ;;
		query) COMPREPLY=($(compgen -W "jsonl csv plain table stix misp $whole" -- "$cur")) ;;
		*) COMPREPLY=($(compgen -W "jsonl csv plain stix misp-zmq $whole" -- "$cur")) ;;
		esac
		return ;;
	esac
	case "${words[*]:0:3}" in
	"") next="keygen publish withdraw sighting subscribe query life lookup related report stats preview who why status space group token join leave filter admin help" ;;
	keygen*) opts="--hub-key --name" ;;
	publish*) opts="--tlp --group --to --format --map --type --confidence --tag --valid-for --supersedes --batch --flush --quiet" ;;
	withdraw*) opts="--value --type --reason" ;;
	sighting*) opts="--false-positive --expired --type --publisher --count --first-seen --last-seen --note" ;;
	life*) opts="--type --wait --format" ;;
	subscribe*) opts="--name --filter --from --count --idle-exit --follow --format --bind --every --quiet $whole_opts" ;;
	query*) opts="--since --until --as-of --limit --wait --held --format $whole_opts" ;;
	lookup*) opts="--file --type --known --wait --format" ;;
	related*) opts="--limit --type --wait --format" ;;
	report*) opts="--publisher --changes --wait --format" ;;
	stats*) opts="--since --until --by --scorecard --overlap --wait --format" ;;
	preview*) opts="--filter --since --until --items --scan --cursor" ;;
	who*) opts="--publisher" ;;
	why*) opts="--name --item --publisher" ;;
	help) next="keygen publish withdraw sighting subscribe query life lookup related report stats preview who why status space group token join leave filter admin" ;;
	space|"help space") next="claim confirm drop list" ;;
	"space claim"*|"space drop"*) opts="--member --asn --net --domain" ;;
	"space confirm"*) opts="--asn --net --domain" ;;
	group|"help group") next="create invite accept leave give list" ;;
	token|"help token") next="add list revoke" ;;
	"token add"*|"admin token add"*) opts="--ttl --scope --collection --note" ;;
	"token revoke"*|"admin token revoke"*|"admin collection drop"*) opts="--dry-run" ;;
	filter|"help filter") next="check explain" ;;
	admin|"help admin") next="member key group token collection life subscription event held report recall read pending warninglist retention doctor stats params" ;;
	leave*) opts="--dry-run" ;;
	"admin member") next="add invite list suspend resume role quota erase" ;;
	"admin key") next="add list revoke" ;;
	"admin group") next="add list join leave" ;;
	"admin subscription"|"admin event") next="list" ;;
	"admin report") next="erase withdraw" ;;
	"admin recall") next="list show" ;;
	"admin read") next="list who" ;;
	"admin pending") next="list show approve reject" ;;
	"admin report erase"*|"admin report withdraw"*) opts="--publisher --reason --dry-run" ;;
	"admin member invite"*) opts="--output --role --type --client-of --asn --net --domain" ;;
	"admin member quota"*) opts="--per-second --burst --bytes-per-minute" ;;
	"admin member suspend"*|"admin member resume"*|"admin member erase"*) opts="--dry-run" ;;
	"admin member add"*) opts="--role --type --client-of --asn --net --domain --dry-run" ;;
	"admin member role"*) opts="--role --dry-run" ;;
	"admin key add"*) opts="--valid-from --valid-until --curve --dry-run" ;;
	"admin key revoke"*) opts="--from-seq --dry-run" ;;
	"admin retention"*) opts="--dry-run --before" ;;
	"admin life") next="list set" ;;
	"admin life set"*) opts="--age --speed" ;;
	"admin token") next="add list revoke" ;;
	"admin collection") next="add list drop" ;;
	"admin collection add"*) opts="--title --dry-run" ;;
	"admin held") next="list release drop" ;;
	"admin held list"*) opts="--publisher --type" ;;
	"admin warninglist") next="reload" ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$opts $common" -- "$cur"))
	elif [[ -n $next ]]; then
		COMPREPLY=($(compgen -W "$next" -- "$cur"))
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}
complete -o filenames -F _isac isac
