package dev.sluice.gateway;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.InternetProtocolFamily;
import io.vertx.core.datagram.DatagramSocketOptions;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.net.TcpConfig;
import io.vertx.core.transport.Transport;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/** Another transport, with a {@link ConnectionLimit} in each server channel: Vert.x has no other way to get there. */
record LimitedTransport(Transport transport, ConnectionLimit.Most most)
        implements Transport, io.vertx.core.spi.transport.Transport {
    @Override
    public void configure(TcpConfig options, boolean domainSocket, ServerBootstrap bootstrap) {
        transport.implementation().configure(options, domainSocket, bootstrap);
        bootstrap.handler(new ConnectionLimit(most));
    }

    @Override
    public io.vertx.core.spi.transport.Transport implementation() {
        return this;
    }

    @Override
    public String name() {
        return transport.name();
    }

    @Override
    public boolean available() {
        return transport.available();
    }

    @Override
    public @Nullable Throwable unavailabilityCause() {
        return transport.unavailabilityCause();
    }

    @Override
    public boolean isAvailable() {
        return transport.available();
    }

    @Override
    public boolean supportsDomainSockets() {
        return transport.implementation().supportsDomainSockets();
    }

    @Override
    public boolean supportFileRegion() {
        return transport.implementation().supportFileRegion();
    }

    @Override
    public java.net.SocketAddress convert(SocketAddress address) {
        return transport.implementation().convert(address);
    }

    @Override
    public SocketAddress convert(java.net.SocketAddress address) {
        return transport.implementation().convert(address);
    }

    @Override
    public IoHandlerFactory ioHandlerFactory() {
        return transport.implementation().ioHandlerFactory();
    }

    @Override
    public EventLoopGroup eventLoopGroup(int type, int threads, ThreadFactory threadFactory, int ioRatio) {
        return transport.implementation().eventLoopGroup(type, threads, threadFactory, ioRatio);
    }

    @Override
    @SuppressWarnings("deprecation") // Netty's word, in Vert.x's interface
    public DatagramChannel datagramChannel(InternetProtocolFamily family) {
        return transport.implementation().datagramChannel(family);
    }

    @Override
    public ChannelFactory<? extends DatagramChannel> datagramChannelFactory() {
        return transport.implementation().datagramChannelFactory();
    }

    @Override
    public ChannelFactory<? extends Channel> channelFactory(boolean domainSocket) {
        return transport.implementation().channelFactory(domainSocket);
    }

    @Override
    public ChannelFactory<? extends ServerChannel> serverChannelFactory(boolean domainSocket) {
        return transport.implementation().serverChannelFactory(domainSocket);
    }

    @Override
    public void configure(DatagramChannel channel, DatagramSocketOptions options) {
        transport.implementation().configure(channel, options);
    }

    @Override
    public void configure(TcpConfig options, boolean domainSocket, Bootstrap bootstrap) {
        transport.implementation().configure(options, domainSocket, bootstrap);
    }
}
