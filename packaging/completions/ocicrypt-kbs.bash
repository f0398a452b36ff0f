# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion of ocicrypt-kbs
_ocicrypt_kbs() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=
    COMPREPLY=()
    case $previous in
        --config | --from-file | init) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --usage) words="unwrap-only exportable" ;;
        key) words="create list show delete set-policy" ;;
        policy) words="set show list test" ;;
        ak) words="enroll list remove" ;;
        create) words="kbs:///" ;;
        *)
            case " ${COMP_WORDS[*]:1:COMP_CWORD-1} " in
                *" init "*) words="--listen --name --help" ;;
                *" create "*) words="--from-file --usage --policy --config --json --help" ;;
                *" set "* | *" enroll "* | *" test "*) mapfile -t COMPREPLY < <(compgen -W "--config --json --help" -f -- "$word"); return ;;
                *" key "* | *" policy "* | *" ak "*) words="--config --json --help" ;;
                *" serve "*) words="--config --help" ;;
                *) words="init serve key policy ak --version --help" ;;
            esac
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _ocicrypt_kbs ocicrypt-kbs
