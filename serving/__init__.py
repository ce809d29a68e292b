"""The model server: KServe's, with a handler of its own that speaks the Open Inference Protocol to the letter.

``inference`` knows notes and the tagger and no protocol; ``v1``, ``v2_rest`` and ``v2_grpc`` turn one wire form each into its
request and its reply back; ``rest`` and ``grpc_service`` are the transports; ``server`` puts them into KServe's server.
"""
