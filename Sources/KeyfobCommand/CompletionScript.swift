/// A completion script is ArgumentParser's script for a shell, with its faults corrected: another
/// person may have chosen a server's name, and a shell must insert it whole and run no part of it.
///
/// In bash ArgumentParser's script passes names to `compgen -W`, which expands them: `$(…)` in a
/// name runs. It inserts them without quotes, so that they would run at Enter too. And it takes the
/// words of a line from bash, which also ends a word at `:`, `=` and `@`. In zsh it inserts `!`
/// without a quote, and the next Enter replaces that with an earlier command.
enum CompletionScript {
    /// Returns a script of ArgumentParser's in a form that is safe to load; any other text
    /// unchanged.
    static func corrected(_ text: String) -> String {
        if text.hasPrefix("#!/bin/bash\n") { return text + "\n" + forBash }
        guard text.hasPrefix("#compdef ") else { return text }
        // zsh quotes `!` if the option is set, as it is in an interactive shell.
        return text.replacing("unsetopt aliases banghist", with: "unsetopt aliases")
    }

    /// Functions that replace ArgumentParser's, and one that quotes what they offer.
    private static let forBash = #"""
        # Offers the lines of ${2} that begin with the current word. `compgen -W` would expand them.
        __keyfob_add_completions() {
            local completion
            if [[ "${1}" != -W ]]; then
                while IFS='' read -r completion; do
                    COMPREPLY+=("${completion}")
                done < <(compgen "${@}" -- "${cur}")
                return
            fi
            while IFS='' read -r completion; do
                if [[ -n "${completion}" && "${completion}" == "${cur}"* ]]; then
                    COMPREPLY+=("${completion}")
                fi
            done <<<"${2}"
        }

        __keyfob_custom_complete() {
            "${COMP_WORDS[0]}" "${@}" "${COMP_WORDS[@]}"
        }

        __keyfob_cursor_index_in_current_word() {
            printf %s "${#COMP_WORDS[COMP_CWORD]}"
        }

        # Splits the line into words as the shell would, without expanding anything, lets _keyfob
        # complete the last one, and quotes what it offers.
        __keyfob_complete() {
            local -r line="${COMP_LINE::COMP_POINT}"
            # Readline replaces the end of the line that ${2} is: from there on it is to be quoted.
            local -ir replaced="$((${#line} - ${#2}))"
            local -a words=()
            local word='' quote='' char next quote_there=''
            local -i index=0 is_word=0 kept=0
            while true; do
                if [[ "${index}" -eq "${replaced}" ]]; then
                    kept="${#word}"
                    quote_there="${quote}"
                fi
                [[ "${index}" -lt "${#line}" ]] || break
                char="${line:index:1}"
                next="${line:index + 1:1}"
                case "${quote}${char}" in
                \'\' | \"\")
                    quote=''
                    ;;
                \"\\)
                    [[ "${next}" == [\$\`\"\\] ]] || word+="${char}"
                    word+="${next}"
                    index+=1
                    ;;
                [\'\"]?)
                    word+="${char}"
                    ;;
                \\)
                    word+="${next}"
                    is_word=1
                    index+=1
                    ;;
                [\'\"])
                    # Not $'…' and $"…", in which other rules hold.
                    [[ "${index}" -gt 0 && "${line:index - 1:1}" == '$' ]] && return
                    quote="${char}"
                    is_word=1
                    ;;
                [[:space:]])
                    [[ "${is_word}" -eq 1 ]] && words+=("${word}")
                    word=''
                    is_word=0
                    ;;
                *)
                    word+="${char}"
                    is_word=1
                    ;;
                esac
                index+=1
            done

            local option='' value="${word}"
            if [[ "${word}" == --*=* ]]; then
                option="${word%%=*}="
                value="${word#*=}"
                words+=("${option%=}")
            fi
            local -ar COMP_WORDS=("${words[@]}" "${value}")
            local -ir COMP_CWORD="${#words[@]}"
            COMPREPLY=()
            _keyfob "${1}" "${value}" "${words[-1]}" || true
            # It is _keyfob's, and would go on to set the shell's options back.
            trap - RETURN

            local -a offered=()
            local completion
            for completion in "${COMPREPLY[@]}"; do
                [[ "${completion}" == "${value}"* ]] || continue
                completion="${option}${completion}"
                completion="${completion:kept}"
                case "${quote_there}" in
                \')
                    completion="${completion//\'/\'\\\'\'}"
                    ;;
                \")
                    # Nothing keeps ! from its meaning here and is not inserted itself.
                    [[ "${completion}" == *!* ]] && continue
                    completion="${completion//\\/\\\\}"
                    completion="${completion//\"/\\\"}"
                    completion="${completion//\$/\\\$}"
                    completion="${completion//\`/\\\`}"
                    ;;
                *)
                    printf -v completion %q "${completion}"
                    ;;
                esac
                offered+=("${completion}")
            done
            COMPREPLY=("${offered[@]}")
        }

        complete -F __keyfob_complete keyfob
        """#
}
