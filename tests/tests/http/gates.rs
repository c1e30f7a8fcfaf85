//! Who may talk: nobody else is told anything.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::Command;

use clearing_tests::{Caller, DEADLINE, Site, for_each_caller, patience, skip};
use serde_json::Value;

use crate::peer::{House, Peer};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Of nobody else here.
const OTHER: u32 = 54_322;
const GROUP: u32 = 54_400;

/// What a user hears who asks on the socket.
fn asked_by(house: &House<'_>, uid: u32, gid: u32, groups: &[u32]) -> String {
    let mut curl = Command::new("setpriv");
    curl.args([format!("--reuid={uid}"), format!("--regid={gid}")]);
    match groups {
        [] => curl.arg("--clear-groups"),
        _ => {
            curl.arg(format!("--groups={}", groups.iter().map(u32::to_string).collect::<Vec<_>>().join(",")))
        }
    };
    curl.args(["curl", "--silent", "--show-error", "--unix-socket"]).arg(&house.socket);
    let output = curl.args(["http://x/v1/health", "--write-out", " %{http_code}"]).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// The socket is where others find it, and says nothing of who may use it.
fn open_to_the_eye(house: &House<'_>) {
    for path in [house.site.home(), house.socket.clone()] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
}

#[test]
fn another_user_is_told_nothing() {
    for_each_caller(|caller| {
        if !nix::unistd::geteuid().is_root() {
            return skip("another user: the proofs were not started by root");
        }
        let site = Site::new(caller);
        let house = House::open(&site);
        // Kept out by the kernel.
        let said = asked_by(&house, OTHER, OTHER, &[]);
        assert!(
            said.ends_with(" 000")
                || said.contains("Permission denied")
                || said.contains("Couldn't connect")
                || said.contains("Could not connect"),
            "{said}"
        );
        // And by us, whatever the socket's mode.
        open_to_the_eye(&house);
        let said = asked_by(&house, OTHER, OTHER, &[]);
        assert_eq!(said, "{\"code\":\"CLR-PEER\",\"message\":\"this server is not for you\"} 403");
        assert!(asked_by(&house, 0, 0, &[]).ends_with(" 200"));
        assert!(asked_by(&house, caller.uid(), caller.gid(), &[]).ends_with(" 200"));
        house.close();
    });
}

#[test]
fn a_group_is_let_in_by_any_of_its_members_groups() {
    for_each_caller(|caller| {
        // A user gives away only to a group of their own.
        if caller != Caller::Root {
            return;
        }
        let site = Site::new(caller);
        let house = House::open_with(&site, &["--group", &GROUP.to_string()]);
        let mode = std::fs::metadata(&house.socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        std::fs::set_permissions(site.home(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(asked_by(&house, OTHER, GROUP, &[]).ends_with(" 200"));
        assert!(asked_by(&house, OTHER, OTHER, &[1, GROUP]).ends_with(" 200"));
        open_to_the_eye(&house);
        assert!(asked_by(&house, OTHER, OTHER, &[1, GROUP + 1]).ends_with(" 403"));
        house.close();
        let output = site.clearing(["serve", "--socket", "x.sock", "--group", "no-such-group"]).output();
        output.expect_code(125);
        assert!(output.stderr.contains("no-such-group"), "{}", output.stderr);
    });
}

pub(crate) fn token(site: &Site, mode: u32) -> PathBuf {
    let path = site.write_home("token", format!("{TOKEN}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// A server that listens on the network as well, at a port that the kernel chooses.
pub(crate) fn open_to_the_network(site: &Site) -> House<'_> {
    let token = token(site, 0o600).into_os_string();
    House::open_with(site, &["--listen".into(), "127.0.0.1:0".into(), "--token-file".into(), token])
}

fn ask(address: SocketAddr, more: &str) -> crate::peer::Answer {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(patience(DEADLINE))).unwrap();
    let mut peer = Peer::new(stream);
    peer.send(format!("GET /v1/health HTTP/1.1\r\n{more}\r\n").as_bytes());
    peer.answer()
}

#[test]
fn over_the_network_only_who_knows_the_token_is_let_in() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let house = open_to_the_network(&site);
        let address = house.address();
        let host = format!("Host: {address}\r\n");
        let right = format!("Authorization: Bearer {TOKEN}\r\n");
        assert_eq!(ask(address, &format!("{host}{right}")).expect(200)["state"], "ok");
        let refused = |more: &str| ask(address, more).refused();
        let unknown = (401, "CLR-TOKEN".to_owned());
        assert_eq!(refused(&host), unknown);
        assert_eq!(refused(&format!("{host}Authorization: Bearer {TOKEN}x\r\n")), unknown);
        assert_eq!(refused(&format!("{host}Authorization: Basic {TOKEN}\r\n")), unknown);
        assert_eq!(refused(&format!("{host}Authorization: Bearer {}\r\n", TOKEN.to_uppercase())), unknown);
        let kept_out = (403, "CLR-PEER".to_owned());
        // A page whose name leads here, and a page at all.
        assert_eq!(refused(&format!("Host: attacker.example\r\n{right}")), kept_out);
        assert_eq!(refused(&format!("{host}Origin: http://{address}\r\n{right}")), kept_out);
        // Not even what there is.
        let nowhere = |target: &str| {
            let mut peer = Peer::new(TcpStream::connect(address).unwrap());
            peer.ask("GET", target, &Value::Null).refused()
        };
        assert_eq!((nowhere("/v1/nothing"), nowhere("/metrics")), (unknown.clone(), unknown));
        house.close();
    });
}

#[test]
fn no_port_is_opened_without_a_good_token_or_to_other_hosts_unsaid() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let refused = |options: &[&str], code: i32, why: &str| {
            let output = site.clearing(["serve"]).args(options).output();
            output.expect_code(code);
            assert!(output.stderr.contains(why), "{}", output.stderr);
        };
        let bad = token(&site, 0o644);
        refused(&["--listen", "127.0.0.1:0"], 125, "--token-file");
        refused(&["--listen", "127.0.0.1:0", "--token-file", bad.to_str().unwrap()], 125, "mode 600");
        let good = token(&site, 0o600);
        refused(&["--listen", "0.0.0.0:0", "--token-file", good.to_str().unwrap()], 125, "--listen-anywhere");
        refused(&["--listen", "127.0.0.1:0", "--token-file", "/dev/null"], 125, "regular file");
        if caller.is_myself() && caller == Caller::Root {
            chown(&good, Some(OTHER), Some(OTHER)).unwrap();
            refused(&["--listen", "127.0.0.1:0", "--token-file", good.to_str().unwrap()], 125, "belongs");
        }
    });
}
