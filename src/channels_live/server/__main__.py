from channels_live.server.run import main

main()
