"""Runs second on the board: the node. What can't even be imported restarts it."""

try:
    from nuan_firmware.start import main

    main()
except Exception as problem:
    import sys
    import time

    import machine

    sys.print_exception(problem)
    with open("/boot.why", "w") as file:
        file.write("crashed: " + repr(problem))
    # Long enough for somebody at the console to stop it.
    time.sleep(10)
    machine.reset()
