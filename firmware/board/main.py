"""Runs second on the board: the node. What can't even be imported restarts it."""

try:
    from nuan_firmware.start import main

    main()
except Exception as problem:
    import sys
    import time

    import machine

    sys.print_exception(problem)
    try:
        with open("/boot.why", "w") as file:
            file.write("crashed: " + repr(problem))
    except OSError:
        # Full or broken flash: without the restart the board would stand still for good.
        pass
    # Long enough for somebody at the console to stop it.
    time.sleep(10)
    machine.reset()
