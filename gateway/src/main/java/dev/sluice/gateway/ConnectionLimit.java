package dev.sluice.gateway;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vertx.core.transport.Transport;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Accepts no more connections on a port while as many are open as it may have: the others wait in the kernel's queue,
 * and cost the gateway nothing. Each costs some ten KiB before it has said a word, and Vert.x tells of it only when it
 * has, so that the limit sits in Netty's server channel.
 */
final class ConnectionLimit extends ChannelInboundHandlerAdapter {
    private final int most;
    private final AtomicInteger open = new AtomicInteger();

    ConnectionLimit(int most) {
        this.most = most;
    }

    /** The native transport where there is one, with a limit of its own on each port that is listened on. */
    static Transport transport(int most) {
        Transport transport = Transport.nativeTransport();
        return new LimitedTransport(transport == null || !transport.available() ? Transport.NIO : transport, most);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
        Channel server = context.channel();
        if (open.incrementAndGet() >= most) {
            server.config().setAutoRead(false);
        }
        ((Channel) accepted).closeFuture().addListener(closed -> {
            if (open.decrementAndGet() < most) {
                server.config().setAutoRead(true);
            }
        });
        context.fireChannelRead(accepted);
    }
}
