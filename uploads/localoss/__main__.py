"""`python -m uploads.localoss` starts the server without Django."""

from uploads.localoss.arguments import main

if __name__ == "__main__":
    main()
