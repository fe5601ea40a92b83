# SPDX-License-Identifier: GPL-2.0
"""completion.py - tests of the completion for bash, zsh and fish, for check-tool

The shells run, and each of them has to offer what the tool's sources parse. A shell
script in place of the tool has commands of the future.
"""

import contextlib
import os
import pathlib
import pty
import re
import select
import subprocess
import tempfile
import time

from report import need

sessions = {}   # of zsh, which starts slowly, by folder
SOURCE = pathlib.Path(__file__).resolve().parents[2] / "vhost-tapctl"

BASH = r"""
. "$1"
read -r -a COMP_WORDS <<<"$2"
[[ $2 != *" " ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_vhost_tapctl
printf '%s\n' "${COMPREPLY[@]}"
"""

FISH = 'set fish_complete_path $argv[1] $fish_complete_path; complete -C "$argv[2]" | string replace -r "\t.*" ""'

# The key writes the matches to a file and changes nothing on the line.
ZSH = r"""
PS1= PS2= RPS1=
fpath=($FOLDER $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
	local -a __found
	if [[ " ${@[1,(i)(-|--)]} " == *" -"[OAD]" "* ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -A __found "$@"
	(( ! $#__found )) || print -rl -- $__found >>$OUT
	builtin compadd "$@"
}
offer() {
	_main_complete
	compstate[insert]= compstate[list]=
	: >$OUT.end
}
zle -C offer list-choices offer
bindkey '^I' offer
bindkey '^U' kill-whole-line
: >$OUT.end
"""


@contextlib.contextmanager
def tool_in_path(tool):
    """A folder with the tool by its name, and the completions by the names that shells search."""
    with tempfile.TemporaryDirectory() as folder:
        if "\n" in tool:
            path = pathlib.Path(folder, "vhost-tapctl")
            path.write_text(tool, encoding="utf-8")
            path.chmod(0o755)
        else:
            os.symlink(tool, f"{folder}/vhost-tapctl")
        os.symlink(SOURCE / "vhost-tapctl.zsh", f"{folder}/_vhost-tapctl")
        os.symlink(SOURCE / "vhost-tapctl.fish", f"{folder}/vhost-tapctl.fish")
        pathlib.Path(folder, "some-file").touch()
        try:
            yield folder
        finally:
            if folder in sessions:
                sessions.pop(folder).close()


def environment(folder):
    return dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", HOME=folder, FOLDER=folder,
                OUT=f"{folder}/out", TERM="dumb", LC_ALL="C.UTF-8")


class Zsh:
    """zsh completes on a terminal only, so it runs on one."""

    def __init__(self, folder, before=()):
        self.end, self.out = pathlib.Path(folder, "out.end"), pathlib.Path(folder, "out")
        self.ours, theirs = pty.openpty()
        pathlib.Path(folder, "setup.zsh").write_text(ZSH, encoding="utf-8")
        self.shell = subprocess.Popen([*before, "zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
                                      cwd=folder, env=environment(folder), start_new_session=True)
        os.close(theirs)
        self.say(". ./setup.zsh\n")

    def say(self, text):
        said = b""
        until = time.monotonic() + 120
        self.end.unlink(missing_ok=True)
        self.out.unlink(missing_ok=True)
        os.write(self.ours, text.encode())
        while not self.end.exists():
            need(time.monotonic() < until, "zsh did not answer:", said)
            if select.select([self.ours], [], [], 0.02)[0]:
                said += os.read(self.ours, 4096)

    def offered(self, line):
        self.say("\x15" + line + "\t")
        return self.out.read_text(encoding="utf-8") if self.out.exists() else ""

    def close(self):
        self.shell.kill()
        self.shell.wait()
        os.close(self.ours)


def offered(shell, folder, line, before=()):
    """The set of words that the shell offers behind LINE."""
    if shell == "zsh":
        if folder not in sessions:
            sessions[folder] = Zsh(folder, before)
        text = sessions[folder].offered(line)
    else:
        args = (["bash", "-c", BASH, "-", SOURCE / "vhost-tapctl.bash", line] if shell == "bash" else
                ["fish", "--no-config", "-c", FISH, folder, line])
        done = subprocess.run([*before, *args], capture_output=True, check=False, timeout=60, text=True,
                              env=environment(folder), cwd=folder)
        # bash complains that completion of the script is not interactive.
        need(shell == "bash" or not done.stderr, shell, done)
        text = done.stdout
    return {word for word in text.split("\n") if word}


SHELLS = ("bash", "zsh", "fish")


def usages(tool):
    """The usage of each command, by its name."""
    text = subprocess.run([tool, "--help"], capture_output=True, check=True, text=True).stdout
    names = re.findall(r"^  ([a-z-]+) ", text, re.M)
    need(len(names) > 5, text)
    return {name: subprocess.run([tool, name, "--help"], capture_output=True, check=True, text=True).stdout
            for name in names}


def parsed_options():
    """The options that each command's source parses, by the name of the file or command."""
    table = {}
    for path in SOURCE.glob("*.c"):
        names = re.findall(r'^\t\t\{ "([a-z-]+)", (?:no|required)_argument, ', path.read_text(encoding="utf-8"), re.M)
        if names:
            table[path.stem] = {"--" + name for name in names}
    said = subprocess.run([SOURCE / "bench/bench", "--help"], capture_output=True, check=True, text=True).stdout
    table["bench"] = set(re.findall(r"^  (--[a-z-]+)", said, re.M))
    return table


def usage_is_complete(tool):
    """Usage and man page have the options that the sources parse, no more."""
    table, parsed = usages(tool), parsed_options()
    need(len(parsed) > 8 and len(parsed["bench"]) > 10 and set(parsed) <= set(table), parsed)
    page = SOURCE.joinpath("vhost-tapctl.8").read_text(encoding="utf-8").replace("\\-", "-")
    synopsis = dict(re.findall(r'^\.SY "vhost-tapctl (\S+)"\n(.*?)^\.YS', page, re.M | re.S))
    for name, usage in table.items():
        options = set(re.findall(r"--[a-z-]+", usage))
        need(options == parsed.get(name, set()), name, "usage", options, "parsed", parsed.get(name))
        need("[OPTION]" not in usage, usage)
        said = set(re.findall(r"--[a-z-]+", synopsis[name]))
        need(said == options, name, "man page", said, "usage", options)


def follows_the_tool(tool):
    """Each shell offers all commands of the tool, and all options of each command."""
    table, parsed = usages(tool), parsed_options()
    with tool_in_path(tool) as folder:
        for shell in SHELLS:
            # Options of the tool itself may be offered only behind a hyphen.
            said = offered(shell, folder, "vhost-tapctl ") - {"--help", "--version"}
            need(said == set(table), shell, said, set(table))
            for name, usage in table.items():
                said = offered(shell, folder, f"vhost-tapctl {name} --")
                # The two hyphens alone come before a command.
                options = parsed.get(name, set()) | ({"--"} if " -- " in usage else set())
                need(said == options, shell, name, said, options)


FUTURE = """#!/bin/sh
case "$*" in
--complete) printf 'future\tdo what no version does yet\n--version\n' ;;
"--complete future") printf '%s\n' on off --persist --more-of-it ;;
"--complete future --input") echo :file ;;
"--complete future --below") echo :folder ;;
"--complete future --mode=") echo wrong ;;
"--complete future off") printf '%s\n' mode=slow: mode=off level= ;;
esac
"""


def cannot_go_stale(_tool):
    """A command that the tool gets in the future is completed, with options and words."""
    with tool_in_path(FUTURE) as folder:
        os.mkdir(f"{folder}/some-folder")
        for shell in SHELLS:
            for line, wanted in (("fut", {"future"}), ("future o", {"on", "off"}), ("future --p", {"--persist"}),
                                 ("future off l", {"level="}), ("future off mode", {"mode=slow:", "mode=off"}),
                                 ("future --seconds ", set()), ("future --input some-fi", {"some-file"}),
                                 ("future --below some-", {"some-folder"})):
                said = {word.rstrip("/") for word in offered(shell, folder, "vhost-tapctl " + line)}
                need(said == wanted, shell, line, said)


def values(tool):
    """Values are those of the sources; files, users and commands are offered."""
    columns = {name for path in SOURCE.glob("top*.c") for name in re.findall(
        r"^\t+(?:\[\w+\] = )?\{ '\w', \"(\w+)\", ", path.read_text(encoding="utf-8"), re.M)}
    tunables = {name + "=" for name in re.findall(
        r"^\t\{ \"([a-z-]+)\", VHOST_TAP_A", SOURCE.joinpath("set.c").read_text(encoding="utf-8"), re.M)}
    need(len(columns) > 4 and len(tunables) > 1, columns, tunables)
    modes = {"polling=off", "polling=fixed:", "polling=adaptive:"}
    with tool_in_path(tool) as folder:
        for shell in SHELLS:
            for line, wanted in (("top --sort ", columns), ("top --view ", {"traffic", "drops", "load", "workers"}),
                                 ("top --view workers --sort ", {"packets", "cpu", "wait", "cost"}),
                                 ("set 0 ", tunables | modes), ("set 0/1 ", tunables), ("set ", set()),
                                 ("takeover o", {"on", "off"}), ("stats --count ", set()), ("nothing ", set())):
                said = offered(shell, folder, "vhost-tapctl " + line)
                need(said == wanted, shell, line, said, wanted)
            for line, word in (("doctor --user roo", "root"), ("prometheus --output some-f", "some-file"),
                               ("report -o some-f", "some-file"), ("bench --json some-f", "some-file"),
                               ("run --tap x -- ls", "ls"), ("run --tap x -- vhost-tapctl doc", "doctor")):
                # bash itself completes the words of another command with bash-completion only.
                if shell != "bash" or word != "doctor":
                    need(word in offered(shell, folder, "vhost-tapctl " + line), shell, line)


def words_with_equals(tool):
    """bash gives the completion "=" and ":" as words of their own, and replaces the last word only."""
    with tool_in_path(tool) as folder:
        for words, wanted in ((["set", "0", "polling"], {"polling=off", "polling=fixed:", "polling=adaptive:"}),
                              (["set", "0", "polling", "="], {"off", "fixed:", "adaptive:"}),
                              (["set", "0", "polling", "=", "f"], {"fixed:"}),
                              (["set", "0", "polling", "=", "fixed", ":"], {""}),
                              (["set", "0", "latency", "=", "1", "bus"], {"busyloop-us="})):
            script = BASH.replace(BASH[BASH.index("read"):BASH.index("COMP_CWORD")],
                                  "shift; COMP_WORDS=(vhost-tapctl \"$@\")\n")
            done = subprocess.run(["bash", "-c", script, "-", SOURCE / "vhost-tapctl.bash", *words],
                                  capture_output=True, check=False, text=True, timeout=60, env=environment(folder))
            need(set(done.stdout.removesuffix("\n").split("\n")) == wanted, words, done)


def names_of_links(tool):
    """A name is offered as it is, and no command in it runs. Needs root for a namespace."""
    if os.geteuid():
        return
    for name in "$(>pwned)", "`>pwned`", "a'b\\", "*":
        before = ["unshare", "-n", "sh", "-c", 'ip link set lo name "$0" && exec "$@"', name]
        with tool_in_path(tool) as folder:
            for shell in SHELLS:
                said = offered(shell, folder, "vhost-tapctl doctor --tap ", before)
                need(len(said) == 1, shell, name, said)
                word = said.pop()
                if shell != "fish":     # what it puts on the line, quoted
                    word = subprocess.run([shell, "-c", f"printf %s {word}"], capture_output=True, check=True,
                                          cwd="/", text=True).stdout
                need(word == name, shell, name, word)
                need("pwned" not in os.listdir(folder), shell, name)


TESTS = (
    ("completion: usage and man page have all options", usage_is_complete),
    ("completion: commands and options of the tool", follows_the_tool),
    ("completion: a command of the future", cannot_go_stale),
    ("completion: values", values),
    ("completion: words with an equals sign in bash", words_with_equals),
    ("completion: names of links", names_of_links),
)
