# Completion of ostler for bash. For every shell, in ~/.bashrc:
#     eval "$(ostler completion bash)"
_ostler_complete() {
    local adds value about current=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    {
        read -r adds || return 0
        while IFS=$'\t' read -r value about; do
            # Names of files are quoted by readline, which then quotes everything.
            if [[ $adds != files && $value == *[^[:alnum:]_./:@%+,=-]* ]]; then
                printf -v value %q "$value"
            fi
            COMPREPLY+=("$value")
        done
    } < <("$1" __complete bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    if [[ $adds == files ]]; then
        while IFS= read -r value; do
            COMPREPLY+=("$value")
        done < <(compgen -f -- "$current")
        compopt -o filenames 2>/dev/null
    fi
}
complete -F _ostler_complete ostler
