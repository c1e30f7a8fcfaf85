//! Connections that the front of a service hands over, one by one.

use clearing_tests::{Site, for_each_caller};

/// A front with one client after the other. With the second one there is no descriptor left for it.
const FRONT: &str = "
import resource, socket, subprocess, sys
front, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server = subprocess.Popen(sys.argv[1:], stdin=theirs)
theirs.close()
front.settimeout(60)
front.recv(64)

def client():
    ours, given = socket.socketpair()
    ours.settimeout(60)
    socket.send_fds(front, [b'c'], [given.fileno()])
    given.close()
    try:
        ours.sendall(b'GET /v1/health HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
        return ours.recv(12).decode()
    except OSError:
        return ''

soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
for limit in [soft, 4, soft]:
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, hard))
    print('client', client() or 'hung up on')
front.close()
print('server', server.wait())
";

#[test]
fn a_connection_that_there_is_no_descriptor_for_is_hung_up_on_and_the_server_goes_on() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.clearing(["serve", "--handed"]).through(["/usr/bin/python3", "-c", FRONT]).output();
        let told = "client HTTP/1.1 200\nclient hung up on\nclient HTTP/1.1 200\nserver 0\n";
        assert_eq!(output.stdout, told, "{}", output.stderr);
        assert!(output.stderr.contains("there are no descriptors left"), "{}", output.stderr);
        clearing_tests::assert_nothing_left(&site);
    });
}
