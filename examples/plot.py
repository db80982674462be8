"""A matplotlib figure as a message. pip install matplotlib"""

import math

from matplotlib.figure import Figure

from qqgroup_sync import Chain, Client

client = Client()


@client.on_group_message(keywords="plot")
def plot(message):
    figure = Figure(figsize=(5, 3))  # no pyplot: handlers run in threads
    axes = figure.subplots()
    axes.plot([math.sin(step / 10) for step in range(100)])
    axes.set_title("sin")
    return Chain().text("here is sin").image(figure)


if __name__ == "__main__":
    client.run()
