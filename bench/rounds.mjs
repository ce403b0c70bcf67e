/* Rounds in turn: A B C A B C, so that a slow minute of the machine is everybody's. */

/* Calls sample(peer, round) for each peer in each round and returns {name: [sample, ...]}. A peer
 * that fails is reported and left out of the rounds that follow; the others go on. */
export async function interleave(what, peers, rounds, run, sample) {
    const samples = Object.fromEntries(peers.map((peer) => [peer.name, []]));
    const broken = new Set();
    for (let round = 0; round < rounds; round++) {
        for (const peer of peers) {
            if (broken.has(peer.name))
                continue;
            run.progress(`${what}: round ${round + 1} of ${rounds}, ${peer.name}`);
            try {
                samples[peer.name].push(await sample(peer, round));
            } catch (error) {
                broken.add(peer.name);
                run.fail(`${what}: ${peer.name} failed: ${error.message}`);
            }
        }
    }
    for (const [name, list] of Object.entries(samples)) {
        if (!list.length)
            delete samples[name];
    }
    return samples;
}
