# SPDX-License-Identifier: GPL-2.0
# fish completion for vhost-tapctl
#
# "vhost-tapctl --complete" prints the words.

function __vhost_tapctl
    # The words in front of the cursor, without quotes, without the name of the tool.
    set -l before (commandline -opc)[2..-1]
    set -l found (env PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" vhost-tapctl --complete $before 2>/dev/null)
    switch "$found[1]"
        case :link
            # /sys/class/net may be that of another network namespace.
            sed -n 's/^ *\([^ :]*\):.*/\1/p' /proc/net/dev
        case :user
            __fish_complete_users
        case :folder
            __fish_complete_directories (commandline -ct) ''
        case :file
            __fish_complete_path (commandline -ct)
        case :command
            set -l end (contains -i -- -- $before)
            set -l rest (string escape -- $before[(math $end + 1)..-1])
            complete -C (string join ' ' -- $rest (commandline -ct))
        case '*'
            printf '%s\n' $found
    end
end

complete -c vhost-tapctl -f -a '(__vhost_tapctl)'
