# How many compilers may run at once. A translation unit with heavy templates takes up to 1.5 GiB, so a machine with many
# cores and little free memory would swap or be killed if it were given one job per core.
# shellcheck shell=bash disable=SC2120

JOB_KIB=$((1536 * 1024))

# jobs_for FREE_KIB CORES: min(cores, free memory / 1.5 GiB), at least 1.
jobs_for() {
  local by_memory=$(($1 / JOB_KIB)) cores=$2
  local jobs=$((by_memory < cores ? by_memory : cores))
  printf '%d\n' $((jobs < 1 ? 1 : jobs))
}

# free_memory_kib [MEMINFO] [CGROUP_DIR]: what the kernel says is available, or what the cgroup leaves when that is less.
free_memory_kib() {
  local meminfo=${1:-/proc/meminfo} cgroup=${2:-/sys/fs/cgroup}
  local free limit used room
  free=$(awk '/^MemAvailable:/ { print $2 }' "$meminfo")
  [[ -n $free ]] || free=$JOB_KIB
  if [[ -r $cgroup/memory.max && -r $cgroup/memory.current ]]; then
    limit=$(<"$cgroup/memory.max")
    used=$(<"$cgroup/memory.current")
    if [[ $limit != max ]]; then
      room=$(((limit - used) / 1024))
      ((room < 0)) && room=0
      ((room < free)) && free=$room
    fi
  fi
  printf '%d\n' "$free"
}

# usable_cores [CGROUP_DIR]: the affinity mask, or the cgroup's CPU quota rounded up when that is less.
usable_cores() {
  local cgroup=${1:-/sys/fs/cgroup} cores quota period
  cores=$(nproc)
  if [[ -r $cgroup/cpu.max ]]; then
    read -r quota period <"$cgroup/cpu.max"
    if [[ $quota != max ]]; then
      local by_quota=$(((quota + period - 1) / period))
      ((by_quota < cores)) && cores=$by_quota
    fi
  fi
  printf '%d\n' $((cores < 1 ? 1 : cores))
}

# build_jobs: SLUICE_JOBS when set, else what cores and free memory allow.
build_jobs() {
  if [[ -n ${SLUICE_JOBS:-} ]]; then
    printf '%d\n' "$SLUICE_JOBS"
  else
    jobs_for "$(free_memory_kib)" "$(usable_cores)"
  fi
}
