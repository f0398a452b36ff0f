# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by quickstart, check and .ci/run: numbered steps with progress, time taken, and a log each.
#
#   steps_begin LOG_FOLDER
#   step "what happens" command argument...       stops the script, with the end of the log, if the command fails
#   step_or_remember "what happens" command...    remembers the failure in ${failed_steps[@]} and goes on

failed_steps=()
step_number=0
step_child=

steps_begin() {
    step_logs=$1
    mkdir -p "$step_logs"
    trap '[[ -n $step_child ]] && kill "$step_child" 2> /dev/null; exit 130' INT TERM
}

step_or_remember() {
    local title=$1 log began now shown=0 code=0
    shift
    step_number=$((step_number + 1))
    log=$step_logs/$(printf '%02d' "$step_number").log
    began=$SECONDS
    printf '[%d] %s\n' "$step_number" "$title"
    # In the background, so that the last line of the log can be shown as progress: steadily on a terminal, now and then
    # in a file.
    "$@" > "$log" 2>&1 < /dev/null &
    step_child=$!
    while kill -0 "$step_child" 2> /dev/null; do
        sleep 0.2
        now=$SECONDS
        if [[ -t 1 ]]; then
            printf '\r\033[K    %4d s  %.100s' "$((now - began))" "$(tail -n 1 "$log" | tr -d '\r\033')"
        elif ((now - began >= shown + 30)); then
            shown=$((now - began))
            printf '    %4d s  %.100s\n' "$shown" "$(tail -n 1 "$log" | tr -d '\r\033')"
        fi
    done
    wait "$step_child" || code=$?
    step_child=
    if [[ -t 1 ]]; then printf '\r\033[K'; fi
    if ((code == 0)); then
        printf '    done in %d s\n' "$((SECONDS - began))"
    else
        tail -n 40 "$log" | sed 's/^/    | /'
        printf '    FAILED with exit code %d after %d s; the whole log: %s\n' "$code" "$((SECONDS - began))" "$log"
        failed_steps+=("$title")
    fi
}

step() {
    local before=${#failed_steps[@]}
    step_or_remember "$@"
    if ((${#failed_steps[@]} > before)); then
        step_aborted
        exit 1
    fi
}

# What a script still has to say when a step fails; redefine it after sourcing.
step_aborted() { :; }

# The log of the step that ran last.
step_log() { printf '%s\n' "$step_logs/$(printf '%02d' "$step_number").log"; }
