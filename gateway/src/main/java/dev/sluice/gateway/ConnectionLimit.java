package dev.sluice.gateway;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vertx.core.transport.Transport;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts no more connections on a port while as many are open as it may have: the others wait in the kernel's queue,
 * and cost the gateway nothing. Each costs some ten KiB before it has said a word, and Vert.x tells of it only when it
 * has, so that the limit sits in Netty's server channel. One peer's beyond its own limit are closed at once, as those that wait are
 * everybody's.
 */
final class ConnectionLimit extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectionLimit.class);
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(10);
    /** Of an IPv6 address what a network is given; whoever has one address of it has all. */
    private static final int NETWORK_BYTES = 8;

    /**
     * How many connections.
     *
     * @param all of a port
     * @param ofPeer of one IPv4 address, or the IPv6 addresses of one network (/64)
     */
    record Most(int all, int ofPeer) {}

    private final Most most;
    private final AtomicInteger open = new AtomicInteger();
    private final Map<InetAddress, Integer> openOfPeer = new ConcurrentHashMap<>();
    private long saidNanos = System.nanoTime() - QUIET_NANOS;

    ConnectionLimit(Most most) {
        this.most = most;
    }

    /** The native transport where there is one, with a limit of its own on each port that is listened on. */
    static Transport transport(Most most) {
        Transport transport = Transport.nativeTransport();
        return new LimitedTransport(transport == null || !transport.available() ? Transport.NIO : transport, most);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
        Channel server = context.channel();
        Channel connection = (Channel) accepted;
        InetAddress peer = peer(connection.remoteAddress());
        if (openOfPeer.merge(peer, 1, Integer::sum) > most.ofPeer) {
            ended(peer);
            refuse(connection, peer);
            return;
        }
        if (open.incrementAndGet() >= most.all) {
            server.config().setAutoRead(false);
        }
        connection.closeFuture().addListener(closed -> {
            ended(peer);
            if (open.decrementAndGet() < most.all) {
                server.config().setAutoRead(true);
            }
        });
        connection.pipeline().addLast(new NoUpgrade());
        context.fireChannelRead(accepted);
    }

    private void ended(InetAddress peer) {
        openOfPeer.computeIfPresent(peer, (unused, count) -> count == 1 ? null : count - 1);
    }

    private void refuse(Channel connection, InetAddress peer) {
        long now = System.nanoTime();
        if (now - saidNanos >= QUIET_NANOS) {
            saidNanos = now;
            LOG.warn(
                    "Connections of {} are closed at once: it has {} ({}). Is it a proxy of many senders?",
                    peer.getHostAddress(),
                    most.ofPeer,
                    Settings.MAX_PEER_CONNECTIONS.name());
        }
        // no event loop has it yet, and none tells of its end
        connection.unsafe().closeForcibly();
    }

    private static InetAddress peer(SocketAddress remote) {
        if (!(remote instanceof InetSocketAddress internet)) {
            return InetAddress.getLoopbackAddress();
        }
        InetAddress address = internet.getAddress();
        if (!(address instanceof Inet6Address)) {
            return address;
        }
        byte[] network = Arrays.copyOf(Arrays.copyOf(address.getAddress(), NETWORK_BYTES), address.getAddress().length);
        try {
            return InetAddress.getByAddress(network);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }
}
