# One throw-away PKI per run in $RUN/pki: ca, gateway-rsa, gateway-ecdsa, radius, carol (EAP-TLS client).

issue() { # issue NAME KEYKIND SUBJECT EXTENSIONS
  local name=$1 kind=$2 subject=$3 extensions=$4 dir=$RUN/pki
  case $kind in
    rsa) openssl genrsa -out "$dir/$name.key" 2048 ;;
    ecdsa) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$dir/$name.key" ;;
  esac
  openssl req -new -key "$dir/$name.key" -subj "$subject" -out "$dir/$name.csr" &&
  openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 -sha256 \
    -extfile <(printf '%b' "$extensions") -out "$dir/$name.pem"
}

make_pki() {
  local server="basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,1.3.6.1.5.5.8.2.2\n"
  mkdir -p "$RUN/pki"
  {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$RUN/pki/ca.key" -out "$RUN/pki/ca.pem" -days 3 -sha256 -subj "/O=Interop/CN=Interop CA" \
      -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" &&
    issue gateway-rsa rsa "/O=Interop/CN=vpn.example.com" "${server}subjectAltName=DNS:vpn.example.com,IP:$GATEWAY_V4,IP:$GATEWAY_V6\n" &&
    issue gateway-ecdsa ecdsa "/O=Interop/CN=vpn.example.com" "${server}subjectAltName=DNS:vpn.example.com,IP:$GATEWAY_V4,IP:$GATEWAY_V6\n" &&
    issue radius rsa "/O=Interop/CN=radius.example.com" "${server}subjectAltName=DNS:radius.example.com\n" &&
    issue carol rsa "/O=Interop/CN=carol" "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nsubjectAltName=email:carol@example.com\n"
  } >"$RUN/pki.log" 2>&1 || { say "openssl: $(tail -n 3 "$RUN/pki.log")"; return 1; }
}
