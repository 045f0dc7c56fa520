#!/bin/sh
# Makes a development CA and leaf certificates into a folder: make.sh FOLDER [NAME ...]
#
# For each NAME (default: handoff riverside heart-clinic st-marys) NAME.crt and NAME.key serve as server and as client
# certificate, with the subject CN=NAME and the alternative names NAME, localhost, 127.0.0.1 and ::1. The CA is made once
# and kept, so that a later call can add partners; a leaf is made anew. Environment: DAYS (default 825), and for tests
# NOT_AFTER (openssl ca time, YYMMDDHHMMSSZ), which makes leaves that have expired.
# For development and tests only: README.md says how to do it for real.
set -eu

folder=${1:?usage: make.sh FOLDER [NAME ...]}
shift
[ $# -gt 0 ] || set -- handoff riverside heart-clinic st-marys
days=${DAYS:-825}

umask 077
mkdir -p "$folder"
cd "$folder"

if [ ! -f ca.key ]; then
  openssl ecparam -name prime256v1 -genkey -noout -out ca.key
  openssl req -x509 -new -key ca.key -sha256 -days 3650 -out ca.crt -subj "/O=Handoff development/CN=Handoff development CA" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
  : > index.txt
  echo 1000 > crlnumber
fi

cat > ca.conf <<CONF
[ca]
default_ca = development
[development]
dir = .
database = index.txt
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_days = $days
default_crl_days = 30
crlnumber = crlnumber
rand_serial = yes
unique_subject = no
policy = any
copy_extensions = none
[any]
organizationName = optional
commonName = supplied
CONF

for name in "$@"; do
  case $name in
    *[!A-Za-z0-9.-]* | "" | -*) echo "make.sh: a name is letters, digits, dots and hyphens: $name" >&2; exit 1 ;;
  esac
  openssl ecparam -name prime256v1 -genkey -noout -out "$name.key"
  openssl req -new -key "$name.key" -subj "/O=Handoff development/CN=$name" -out "$name.csr"
  cat > "$name.ext" <<EXT
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = DNS:$name,DNS:localhost,IP:127.0.0.1,IP:::1
EXT
  if [ -n "${NOT_AFTER:-}" ]; then
    dates="-startdate 200101000000Z -enddate $NOT_AFTER"
  else
    dates="-days $days"
  fi
  # shellcheck disable=SC2086  # dates is two words or four
  openssl ca -batch -config ca.conf -extfile "$name.ext" $dates -notext -in "$name.csr" -out "$name.crt" 2> "$name.log" ||
    { cat "$name.log" >&2; exit 1; }
  cat ca.crt >> "$name.crt"
  rm -f "$name.csr" "$name.ext" "$name.log"
done

# Renewed with every call, so that whoever was revoked meanwhile is on it: openssl ca -config ca.conf -revoke NAME.crt
openssl ca -config ca.conf -gencrl -out ca.crl 2>/dev/null
rm -f [0-9A-F]*.pem
