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
  done < <("$HERE/qemu.sh" --seconds "$seconds" env INTEROP_PATIENCE="${GUEST_PATIENCE:-10}" MEGABYTES="${GUEST_MEGABYTES:-2}" FLOW_RATE=300000 FLOW_ECHO=20 QOS_TENTH=1 DOTNET_TieredPGO=0 DATA_PLANE="${DATA_PLANE:-}" HEADEND="$HEADEND" "$HERE/run.sh" "$@")
  check "the guest came to its end" "it did not within $seconds s" test -n "$counted"
}

# The first login, roaming, rekeys and a kill; then what AAA says of a session's interface.
scenario_xfrm() {
  only_ours "the data plane in the kernel" || return
  DATA_PLANE=xfrm in_guest 1500 mschapv2 nat nat_rebinding inner_ipv6 rekey_by_client rekey_by_server kill_and_restart auto_plane zero_configuration
}

scenario_xfrm_interfaces() {
  only_ours "the data plane in the kernel" || return
  DATA_PLANE=xfrm in_guest 3300 vrf dhcpinform access_lists qos coa interfaces attributes
}

# On this kernel `auto` is the kernel's data plane, but where the configuration asks for what that has not.
scenario_auto_plane() {
  DATA_PLANE=auto
  need setup "no setup" standard_setup
  check "auto is xfrm" "@grep event=serving $RUN/gateway.out" wait_until 5 grep -q 'event=serving .*dataPlane=xfrm' "$RUN/gateway.out"
  stop gateway
  TEMPLATE_MODE=auto
  need "starts for GRE" "see the log" start_headend
  check "with mode: auto it is user-space" "@grep event=serving $RUN/gateway.out" wait_until 5 grep -q 'event=serving .*dataPlane=user-space' "$RUN/gateway.out"
  check "and the log says why" "@grep user-space $RUN/gateway.out" wait_until 5 grep -q 'event=user-space-chosen .*GRE sessions are nothing that the kernel.s data plane carries' "$RUN/gateway.out"
}

# plane_rate WAY...: receiver's Mbit/s of one TCP stream, and CPU of all processors of the guest in ms for a gigabyte.
plane_rate() {
  local name=$1 before; shift
  before=$(busy_ms)
  timeout --foreground 90 ip netns exec "$CLIENT" iperf3 -c $LAN_V4 -t 6 -J "$@" >"$RUN/iperf.json" 2>&1
  if python3 "$HERE/tools/iperf_figures.py" "$name" "$RUN/iperf.json" $(($(busy_ms) - before)) >"$RUN/figures"; then ok "$(cat "$RUN/figures")"; else fail "$name" "$(head -c 300 "$RUN/iperf.json" | tr '\n' ' ')"; fi
}
busy_ms() { awk -v hertz="$(getconf CLK_TCK)" '$1 == "cpu" { print int(($2 + $3 + $4 + $7 + $8) * 1000 / hertz) }' /proc/stat; }

# The kernel's data plane beside the other one and strongSwan's libipsec, in one run within the guest: emulated, so that only ratios say something.
scenario_plane_rates() {
  local plane
  CLIENT_ESP=kernel ACCOUNTING=no DPD=300s
  make_topology && make_pki && start_radius radius1 $RADIUS1 || { fail setup "no setup"; return; }
  start iperf "$LAN" iperf3 -s
  for plane in xfrm user-space libipsec; do
    GATEWAY=headend DATA_PLANE=$plane
    [ "$plane" != libipsec ] || GATEWAY=strongswan
    start_gateway && start_client client "$CLIENT" "$(client_connection home mschapv2 alice)" || { fail "$plane" "did not start"; return; }
    logs_in client home "$plane: login"
    plane_rate "$plane-up"
    plane_rate "$plane-down" -R
    log_out client home
    stop client
    if [ "$plane" = libipsec ]; then stop gateway KILL; else stop gateway; fi
    rm -rf "$RUN/client" "$RUN/client.out" "$RUN/state" "$RUN/gateway" "$RUN/gateway.out"
  done
}

scenario_xfrm_rates() {
  only_ours "the data plane in the kernel" || return
  in_guest 900 plane_rates
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
