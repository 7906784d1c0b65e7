package dev.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpRequest;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.impl.tcp.Http1xOrH2CHandler;

/**
 * Lets no HTTP/1.1 connection become one of HTTP/2 by {@code Upgrade}, which RFC 9113 has done away with; those that begin as HTTP/2 are as they
 * were. Vert.x 5.1.6 keeps for ever what comes behind an upgrade that it refuses: whoever reaches the port could fill
 * the memory. It has no setting for this, so that the header is taken away between its decoder and its upgrade.
 */
final class NoUpgrade extends ChannelInboundHandlerAdapter {
    /** Vert.x's name of what upgrades. */
    private static final String UPGRADE = "h2c";

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ChannelPipeline pipeline = context.pipeline();
        ByteBuf bytes = (ByteBuf) message;
        // it is known within the 24 bytes that HTTP/2 begins with; only then there is what upgrades
        while (bytes.isReadable() && pipeline.get(Http1xOrH2CHandler.class) != null) {
            context.fireChannelRead(bytes.readRetainedSlice(1));
        }
        if (pipeline.get(Http1xOrH2CHandler.class) == null) {
            if (pipeline.get(UPGRADE) != null) {
                pipeline.addBefore(UPGRADE, null, new Headers());
            }
            pipeline.remove(this);
        }
        if (bytes.isReadable()) {
            context.fireChannelRead(bytes);
        } else {
            bytes.release();
        }
    }

    private static final class Headers extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof HttpRequest request) {
                request.headers().remove(HttpHeaders.UPGRADE);
                // for a second request there is no upgrade any more
                context.pipeline().remove(this);
            }
            context.fireChannelRead(message);
        }
    }
}
