"""The tutorial on the server of channels_live."""

from channels_live.server.run import serve, set_up

if __name__ == "__main__":
    set_up()
    from tests.load.peers.tutorial import application

    serve(application)
