import asyncio
import sys


async def main():
    if "--child" in sys.argv:
        print("hello")
        return
    child = await asyncio.create_subprocess_exec(
        sys.executable, *CHILD, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    print("child said", said.decode().strip())


CHILD = ["--child"] if getattr(sys, "frozen", False) else [__file__, "--child"]
asyncio.run(main())
