#compdef ostler
# Completion of ostler for zsh. For every shell, in ~/.zshrc after compinit:
#     eval "$(ostler completion zsh)"
_ostler() {
    local line value
    local -a lines values
    lines=("${(@f)$("$words[1]" __complete words \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in "${(@)lines[2,-1]}"; do
        value=${line%%$'\t'*}
        value=${value//\\/\\\\}
        values+=("${value//:/\\:}:${line#*$'\t'}")
    done
    (( $#values )) && _describe -t values ostler values
    [[ $lines[1] == files ]] && _files
}
if [[ $funcstack[1] == _ostler ]]; then
    _ostler "$@"
else
    compdef _ostler ostler
fi
