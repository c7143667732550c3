# Debian's own kernel under QEMU, for what the machine's kernel has not: the data plane in the kernel (xfrm interfaces, ESP).

# in_guest SECONDS SCENARIO...: runs scenarios in the guest with the variables of this one and takes their results over.
in_guest() {
  local seconds=$1 line counted=; shift
  while IFS= read -r line; do
    case $line in
      "ok - "*) ok "${line#ok - }" ;;
      "skip - "*) line=${line#skip - }; skip "${line%%: *}" "${line#*: }" ;;
      "not ok - "*) line=${line#not ok - }; fail "${line%%: *}" "${line#*: }" ;;
      "interop: "*) counted=1 ;;
      *) printf '%s\n' "$line" ;;
    esac
  done < <("$HERE/qemu.sh" --seconds "$seconds" env INTEROP_PATIENCE="${GUEST_PATIENCE:-10}" MEGABYTES="${GUEST_MEGABYTES:-5}" DATA_PLANE="${DATA_PLANE:-}" HEADEND="$HEADEND" "$HERE/run.sh" "$@")
  check "the guest came to its end" "it did not within $seconds s" test -n "$counted"
}

scenario_xfrm() {
  only_ours "the data plane in the kernel" || return
  DATA_PLANE=xfrm in_guest 1000 mschapv2 nat nat_rebinding inner_ipv6 rekey_by_client rekey_by_server kill_and_restart
}

# The tests of the data plane that this machine's kernel skips.
scenario_xfrm_tests() {
  only_ours "the data plane in the kernel" || return
  local tests=$ROOT/tests/VirtualAccess.Tests/bin/Release/net10.0/Headend.VirtualAccess.Tests.dll code
  [ -e "$tests" ] || { skip "tests in the guest" "not built: dotnet build tests/VirtualAccess.Tests -c Release"; return; }
  "$HERE/qemu.sh" --seconds 1000 env DOTNET_TieredPGO=0 VSTEST_CONNECTION_TIMEOUT=600 dotnet vstest "$tests" '--logger:console;verbosity=normal' \
    '--TestCaseFilter:FullyQualifiedName~XfrmTests|FullyQualifiedName~InterfaceCommandKernelTests' >"$RUN/tests.out" 2>&1
  code=$?
  check "tests in the guest: $(grep -aE '^ *(Total tests|Passed|Skipped):' "$RUN/tests.out" | tr -s ' \n' ' ')" "exit code $code: $(grep -aE 'FAIL|Skipped' "$RUN/tests.out" | tr '\n' ' ')" test $code = 0
  check "none of the kernel's data plane was skipped" "$(grep -a 'Skipped.*XfrmTests' "$RUN/tests.out")" eval 'grep -aq "Passed.*XfrmTests" "$RUN/tests.out" && ! grep -aq "Skipped.*XfrmTests" "$RUN/tests.out"'
}
