#!/bin/bash
# A profile without servers and without a network: rounds of batch files through `vllm run-batch`, until nothing is left
# to ask. Started again, it goes on where it stopped. At the project's root, such as under Slurm:
#   sbatch --gpus 8 params/cluster/vllm/rounds.sh gpu 01_judge_accuracy
# No address in the profile is asked. An engine's settings are those of its server here, or else the crowd's.
set -euo pipefail
profile=$1
shift

settings_of() {
    grep --files-with-matches --line-regexp "model: $1" params/cluster/vllm/*.yaml || echo params/cluster/vllm/crowd.yaml
}

answer() {
    local model
    model=$(grep --only-matching --max-count 1 '"body": {"model": "[^"]*"' "$1" | cut -d '"' -f 6)
    .venv/bin/vllm run-batch --config "$(settings_of "$model")" --model "$model" -i "$1" -o "${1%.jsonl}.results.jsonl"
}

for number in $(seq 100); do
    round=runs/$profile/rounds/$number
    if [ -d "$round" ]; then
        # Of a job that was stopped; what it has no results for comes again.
        .venv/bin/cce batch read "$round" || true
        continue
    fi
    .venv/bin/cce batch write "$profile" "$round" "$@"
    [ -d "$round" ] || break
    for asked in "$round"/*.jsonl; do
        [ "${asked##*/}" = asked.jsonl ] || answer "$asked"
    done
    .venv/bin/cce batch read "$round"
done
.venv/bin/cce run "$profile" "$@"
