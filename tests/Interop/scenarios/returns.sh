# Sessions whose client goes silent: within the interval of client-resume they go on with the next login, beyond it they are over.

returns_setup() {
  DPD=1s DPD_OPTIONS="retransmissions: 2" CLIENT_RETRANSMIT=0.5 CLIENT_RETRIES=2
  standard_setup
}

link_down() { ip -n "$CLIENT" link set eth0 down; }
link_up() { ip -n "$CLIENT" link set eth0 up && ip -n "$CLIENT" route replace default via $GATEWAY_V4; }

is_status() { case "$(session "$1" status)" in $2) true ;; *) false ;; esac; }

events() { grep -oE 'event=(session-inactive|session-returned|session-sleep-ended|tunnel-up|tunnel-down|session-end)' "$RUN/gateway.out" | sed 's/event=//' | xargs; }
# is_told EVENTS: the log has these and no others, in this order.
is_told() {
  wait_until 5 eval "[ \"\$(events)\" = '$1' ]"
  equal "told as FortiOS does" "$1" "$(events)"
}

# talk FILE: a TCP connection that says "one", waits for FILE, says "two", and wants both back.
talk() {
  start talk "$CLIENT" python3 -c '
import os, socket, sys, time
s = socket.create_connection((sys.argv[1], 5003), 10, (sys.argv[2], 0))
s.sendall(b"one\n"); assert s.recv(16) == b"one\n"; print("one", flush=True)
while not os.path.exists(sys.argv[3]): time.sleep(0.1)
s.settimeout(60); s.sendall(b"two\n"); assert s.recv(16) == b"two\n"; print("two", flush=True)' $LAN_V4 "$1" "$RUN/say-two"
}

echo_server() {
  start echo "$LAN" python3 -c '
import socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(16): self.request.sendall(data)
server = socketserver.ThreadingTCPServer((sys.argv[1], 5003), Echo); print("ready", flush=True); server.serve_forever()' $LAN_V4
  wait_until 10 grep -q ready "$RUN/echo.out"
}

scenario_client_resume() {
  only_ours "client-resume" || return
  RETURNS="client-resume: { interval: 2m }"
  need setup "no setup" returns_setup
  need "echo server" "not ready" echo_server
  start_client client "$CLIENT" "$(client_connection alice mschapv2 alice dpd=1s)"
  logs_in client alice login
  local address device accounting audit requests
  address=$(sa client alice vips) device=$(session alice device) accounting=$(session alice acctSessionId) audit=$(session alice auditSessionId)
  check ping "no answer" pings "$CLIENT" $LAN_V4
  talk "$address"
  check "a TCP connection" "$(cat "$RUN/talk.out")" wait_until 10 grep -q one "$RUN/talk.out"
  link_down
  check "the session sleeps" "$(session alice status)" wait_until 30 is_status alice INACTIVE
  equal "its interface stays" "$device" "$(virtual_devices)"
  check "its route stays" "$(client_routes)" eval 'client_routes | grep -q "$address.*$device"'
  check "the client has given up" "$(swan client --list-sas)" wait_until 30 no_sa client alice
  link_up
  logs_in client alice "login after sleep"
  equal "address, interface, ids" "$address $device $accounting $audit" "$(sa client alice vips) $(session alice device) $(session alice acctSessionId) $(session alice auditSessionId)"
  check "status" "$(session alice status)" is_status alice "UP-*"
  check "ping after sleep" "no answer: $(tail -n 2 "$RUN/ping.out")" pings "$CLIENT" $LAN_V4
  : >"$RUN/say-two"
  check "the TCP connection goes on" "$(cat "$RUN/talk.out")" wait_until 60 grep -q two "$RUN/talk.out"
  is_told "tunnel-up session-inactive session-returned tunnel-up"
  equal "one Start" 1 "$(records Start)"
  log_out client alice
  check "accounting: one Stop" "no record" wait_until 20 has_record Stop User-Name=alice
  equal "of User-Request" User-Request "$(record Stop Acct-Terminate-Cause User-Name=alice)"
  check "nothing left" @what_is_left wait_until 20 nothing_left
}

scenario_client_resume_expired() {
  only_ours "client-resume" || return
  RETURNS="client-resume: { interval: 10s }"
  need setup "no setup" returns_setup
  start_client client "$CLIENT" "$(client_connection alice mschapv2 alice dpd=1s)"
  logs_in client alice login
  local accounting
  accounting=$(session alice acctSessionId)
  link_down
  check "the session sleeps" "$(session alice status)" wait_until 30 is_status alice INACTIVE
  sleep 30
  check "and is over" @what_is_left nothing_left
  is_told "tunnel-up session-inactive session-sleep-ended tunnel-down session-end"
  check "kept for the interval, over for the client's silence" "@grep event=session- $RUN/gateway.out" wait_until 5 eval 'grep -qE "event=session-inactive .* seconds=10 " "$RUN/gateway.out" && grep -qE "event=session-end .* reason=peer-unreachable " "$RUN/gateway.out"'
  check "accounting: Stop" "no record" wait_until 20 has_record Stop User-Name=alice
  equal "with Lost-Carrier" Lost-Carrier "$(record Stop Acct-Terminate-Cause User-Name=alice)"
  link_up
  check "the client has given up" "$(swan client --list-sas)" wait_until 30 no_sa client alice
  logs_in client alice "login after that"
  check "is a new session" "$(session alice acctSessionId)" not [ "$(session alice acctSessionId)" = "$accounting" ]
}

# What alice's session keeps: address, interface, ids.
kept_of_alice() { echo "$(session alice assignedAddresses) $(session alice device) $(session alice acctSessionId) $(session alice auditSessionId)"; }

# restarted SIGNAL NAME: the headend ends by the signal and is started again; the client, an ordinary one, notices by itself and logs in to its session.
restarted() {
  local before; before=$(kept_of_alice)
  stop gateway "$1"
  need "$2: starts again" "see the log" start_headend
  equal "$2: the session waits" INACTIVE "$(session alice status)"
  equal "$2: with what it had" "$before" "$(kept_of_alice)"
  check "$2: the client has given up" "$(swan client --list-sas)" wait_until 30 no_sa client alice
  logs_in client alice "$2: login after it"
  equal "$2: the session goes on" "$before" "$(kept_of_alice)"
  check "$2: ping" "no answer: $(tail -n 2 "$RUN/ping.out")" pings "$CLIENT" $LAN_V4
}

scenario_client_resume_restart() {
  only_ours "client-resume" || return
  RETURNS="client-resume: { interval: 2m }" EXTRA_SECTIONS="store: { sessions-at-stop: keep }"
  need setup "no setup" returns_setup
  need "echo server" "not ready" echo_server
  start_client client "$CLIENT" "$(client_connection alice mschapv2 alice dpd=1s)"
  logs_in client alice login
  talk "$(sa client alice vips)"
  check "a TCP connection" "$(cat "$RUN/talk.out")" wait_until 10 grep -q one "$RUN/talk.out"
  restarted KILL "kill -9"
  restarted TERM "a stop that keeps sessions"
  : >"$RUN/say-two"
  check "the TCP connection goes on" "$(cat "$RUN/talk.out")" wait_until 60 grep -q two "$RUN/talk.out"
  equal "one Start" 1 "$(records Start)"
  equal "no Stop" 0 "$(records Stop)"
  equal "one Accounting-On" 1 "$(grep -c 'Acct-Status-Type = Accounting-On' "$RUN/radius1/detail")"
  equal "no Accounting-Off" 0 "$(grep -c 'Acct-Status-Type = Accounting-Off' "$RUN/radius1/detail")"
  log_out client alice
  check "accounting: one Stop" "no record" wait_until 20 has_record Stop User-Name=alice
  equal "of User-Request" User-Request "$(record Stop Acct-Terminate-Cause User-Name=alice)"
  check "nothing left" @what_is_left wait_until 20 nothing_left
}
