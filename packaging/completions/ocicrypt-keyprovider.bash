# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion of ocicrypt-keyprovider
_ocicrypt_keyprovider() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=
    COMPREPLY=()
    case $previous in
        --config | --command-socket) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --listen) words="unix:///run/ocicrypt-keyprovider/keyprovider.sock 127.0.0.1:" ;;
        --kbs) words="https://" ;;
        tpm) words="ak" ;;
        config) words="explain" ;;
        *)
            case " ${COMP_WORDS[*]:1:COMP_CWORD-1} " in
                *" serve "*) words="--listen --config --command-socket --help" ;;
                *" attest "*) words="--kbs --json --config --help" ;;
                *" ak "*) words="--pem --config --help" ;;
                *" explain "*) words="--config --help" ;;
                *) words="serve attest tpm config --config --allow-legacy-unauthenticated --command-socket --no-serve --provider --version --help" ;;
            esac
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _ocicrypt_keyprovider ocicrypt-keyprovider
