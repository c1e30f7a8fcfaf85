/* Sockets: who can be reached, who can reach, and who may set up interfaces. */
#include "probe.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_un unix_;
    };
    socklen_t size;
};

static struct address inet_address(const char *host, const char *port)
{
    struct address address = {.size = sizeof address.four};
    uint16_t number = htons((uint16_t)atoi(port));
    if (inet_pton(AF_INET, host, &address.four.sin_addr) == 1) {
        address.four.sin_family = AF_INET;
        address.four.sin_port = number;
        return address;
    }
    need(inet_pton(AF_INET6, host, &address.six.sin6_addr) == 1, host);
    address.six.sin6_family = AF_INET6;
    address.six.sin6_port = number;
    address.size = sizeof address.six;
    return address;
}

/* A name that starts with @ is an abstract one. */
static struct address unix_address(const char *name)
{
    struct address address = {.unix_.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length >= sizeof address.unix_.sun_path)
        misused("name too long");
    memcpy(address.unix_.sun_path, name, length);
    if (name[0] == '@')
        address.unix_.sun_path[0] = '\0';
    address.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] != '@'));
    return address;
}

static int open_socket(const struct address *address, int type)
{
    int socket_ = socket(address->any.sa_family, type | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 2};
    if (socket_ != -1)
        setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return socket_;
}

static int try_connect(struct address address)
{
    int socket_ = open_socket(&address, SOCK_STREAM);
    return report(socket_ == -1 ? -1 : connect(socket_, &address.any, address.size));
}

static int try_send(struct address address)
{
    int socket_ = open_socket(&address, SOCK_DGRAM);
    return report(socket_ == -1 ? -1 : sendto(socket_, "x", 1, 0, &address.any, address.size));
}

/* connect HOST PORT */
int connect_inet(int count, char **arguments)
{
    if (count != 2)
        misused("connect HOST PORT");
    return try_connect(inet_address(arguments[0], arguments[1]));
}

/* send HOST PORT: one datagram */
int send_inet(int count, char **arguments)
{
    if (count != 2)
        misused("send HOST PORT");
    return try_send(inet_address(arguments[0], arguments[1]));
}

/* connect-unix NAME */
int connect_unix(int count, char **arguments)
{
    if (count != 1)
        misused("connect-unix NAME");
    return try_connect(unix_address(arguments[0]));
}

/* send-unix NAME: one datagram */
int send_unix(int count, char **arguments)
{
    if (count != 1)
        misused("send-unix NAME");
    return try_send(unix_address(arguments[0]));
}

/* serve tcp PORT | serve udp PORT | serve unix NAME: says "ready", then whether somebody came
 * before the first byte on standard input or its end. */
int serve(int count, char **arguments)
{
    if (count != 2)
        misused("serve KIND PORT");
    int datagrams = strcmp(arguments[0], "udp") == 0;
    int local = strcmp(arguments[0], "unix") == 0;
    struct address address =
        local ? unix_address(arguments[1]) : inet_address("0.0.0.0", arguments[1]);
    int socket_ = open_socket(&address, datagrams ? SOCK_DGRAM : SOCK_STREAM);
    need(socket_ >= 0 && bind(socket_, &address.any, address.size) == 0, "bind");
    need(datagrams || listen(socket_, 4) == 0, "listen");
    printf("ready\n");
    fflush(stdout);
    struct pollfd events[] = {{socket_, POLLIN, 0}, {0, POLLIN, 0}};
    poll(events, 2, LIFETIME * 1000);
    int reached = (events[0].revents & POLLIN) != 0;
    if (reached && !datagrams) {
        /* Gone before its client has noticed the connection, it would reset it. */
        struct pollfd client = {accept(socket_, NULL, NULL), POLLIN, 0};
        poll(&client, 1, 2000);
    }
    printf(reached ? "reached\n" : "alone\n");
    return 0;
}

static struct ifreq interface_named(const char *name)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    return request;
}

/* interface-flags NAME FLAGS */
int interface_flags(int count, char **arguments)
{
    if (count != 2)
        misused("interface-flags NAME FLAGS");
    struct ifreq request = interface_named(arguments[0]);
    request.ifr_flags = (short)call_argument(arguments[1]);
    int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(socket_ >= 0, "socket");
    return report(ioctl(socket_, SIOCSIFFLAGS, &request));
}

/* interface-address NAME ADDRESS */
int interface_address(int count, char **arguments)
{
    if (count != 2)
        misused("interface-address NAME ADDRESS");
    struct ifreq request = interface_named(arguments[0]);
    struct address address = inet_address(arguments[1], "0");
    memcpy(&request.ifr_addr, &address.any, sizeof request.ifr_addr);
    int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(socket_ >= 0, "socket");
    return report(ioctl(socket_, SIOCSIFADDR, &request));
}

struct route_message {
    struct nlmsghdr header;
    union {
        struct ifinfomsg link;
        struct ifaddrmsg address;
        struct rtmsg route;
    };
    char attributes[64];
};

static int route_socket(void)
{
    int socket_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct timeval patience = {.tv_sec = 2};
    need(socket_ >= 0, "a route socket");
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return socket_;
}

/* links: the names of all interfaces, by a route socket. */
int links(int count, char **arguments)
{
    (void)count, (void)arguments;
    int socket_ = route_socket();
    struct route_message request = {
        .header = {.nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
    };
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.link);
    need(send(socket_, &request, request.header.nlmsg_len, 0) > 0, "send");
    static char answer[1 << 16] __attribute__((aligned(8)));
    int size = (int)recv(socket_, answer, sizeof answer, 0);
    need(size > 0, "recv");
    for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
        struct ifinfomsg *link = NLMSG_DATA(h);
        int left = (int)IFLA_PAYLOAD(h);
        if (h->nlmsg_type != RTM_NEWLINK)
            continue;
        for (struct rtattr *a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left))
            if (a->rta_type == IFLA_IFNAME)
                printf("%s\n", (char *)RTA_DATA(a));
    }
    return 0;
}

/* Loopback is interface 1 in every network namespace. */
static struct route_message message_of(const char *kind)
{
    struct route_message request = {.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK};
    if (strcmp(kind, "link") == 0) {
        request.header.nlmsg_type = RTM_NEWLINK;
        request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.link);
        request.link = (struct ifinfomsg){.ifi_index = 1, .ifi_change = IFF_UP};
    } else if (strcmp(kind, "address") == 0) {
        request.header.nlmsg_type = RTM_NEWADDR;
        request.header.nlmsg_flags |= NLM_F_CREATE;
        request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.address) + RTA_LENGTH(4);
        request.address = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 1};
        struct rtattr *local = (void *)((char *)NLMSG_DATA(&request) + sizeof request.address);
        *local = (struct rtattr){.rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL};
        memcpy(RTA_DATA(local), &(struct in_addr){htonl(0x7f000002)}, 4);
    } else if (strcmp(kind, "route") == 0) {
        request.header.nlmsg_type = RTM_NEWROUTE;
        request.header.nlmsg_flags |= NLM_F_CREATE;
        request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.route) + RTA_LENGTH(4);
        request.route = (struct rtmsg){.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN,
                                       .rtm_protocol = RTPROT_BOOT, .rtm_type = RTN_UNICAST,
                                       .rtm_scope = RT_SCOPE_LINK};
        struct rtattr *out = (void *)((char *)NLMSG_DATA(&request) + sizeof request.route);
        *out = (struct rtattr){.rta_len = RTA_LENGTH(4), .rta_type = RTA_OIF};
        memcpy(RTA_DATA(out), &(int){1}, 4);
    } else {
        misused(kind);
    }
    return request;
}

/* route-request link|address|route: takes loopback down, gives it an address, makes it a default
 * route; prints what the kernel acknowledged. */
int route_request(int count, char **arguments)
{
    if (count != 1)
        misused("route-request KIND");
    int socket_ = route_socket();
    struct route_message request = message_of(arguments[0]);
    if (send(socket_, &request, request.header.nlmsg_len, 0) == -1)
        return report(-1);
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[256];
    } answer;
    need(recv(socket_, &answer, sizeof answer, 0) > 0, "recv");
    errno = -answer.error.error;
    return report(answer.error.error == 0 ? 0 : -1);
}
