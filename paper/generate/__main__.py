from paper.generate import write
from paper.generate.tables import PAPER

if __name__ == "__main__":
    write(PAPER / "generated")
