# Completion of ostler for fish. For every shell, in ~/.config/fish/config.fish:
#     ostler completion fish | source
function __ostler_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l plain (string unescape -- "$current")
    set -l lines ($before[1] __complete words $before[2..-1] "$plain" 2>/dev/null)
    test "$lines[1]" = files; and __fish_complete_path "$current"
    for line in $lines[2..-1]
        echo $line
    end
end
complete -c ostler -f -a '(__ostler_complete)'
